"""One participant at one size: filled, searched, changed and killed, each in a fresh process, within limits of time.

A phase that fails or takes too long is written down as that; the others go on.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alen.benchmark.memory_data import TENANTS, K, Rows, first_of
from alen.benchmark.memory_judge import Judge
from alen.benchmark.memory_process import Failed, Participant, Process, process

WANTED = 0.99
"""Recall below which a participant's further settings are tried."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """``cap`` seconds of filling; a set of queries and adding have ``short`` ones, a tenant's queries a quarter of
    these. A call that cannot be stopped half-way is given twice the cap before its process is ended, deleting half."""

    cap: float = 360.0
    short: float = 30.0
    queries: int = 1000
    tenant_queries: int = 200
    adds: int = 500
    kill_after: int = 200
    deletes: int = 10_000
    patience: float = 1.5

    @property
    def whole(self) -> float:
        """Seconds after which no further phase of a participant is begun."""
        return self.patience * self.cap


class Cell:
    """The measurements of a participant at a size; ``found`` grows phase by phase and is JSON."""

    def __init__(
        self, participant: Participant, interpreter: Path, rows: Rows, limits: Limits, folder: Path, report: Report
    ) -> None:
        self._participant, self._interpreter, self._rows, self._limits = participant, interpreter, rows, limits
        self._folder, self._report = folder, report
        self._held = {"queries": str(rows.folder / "queries.npy"), "texts": str(rows.folder / "queries.jsonl")}
        self._judge = Judge(rows)
        self.found: dict[str, Any] = {"searches": [], "failures": {}}

    def measure(self) -> dict[str, Any]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self.found |= {
            "participant": self._participant.name,
            "size": self._rows.count,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        }
        started = time.monotonic()
        phases = (self._fill, self._search, self._divide, self._change, self._kill)
        for done, phase in enumerate(phases):
            self._report(f"{self._participant.name} {self._rows.count:,}", done, len(phases))
            name, used = phase.__name__.strip("_"), time.monotonic() - started
            if used > self._limits.whole:
                self.found["failures"][name] = f"not begun: {used:.0f} s were used before it"
                continue
            try:
                phase()
            except Failed as error:
                self.found["failures"][name] = str(error)
            if "build" not in self.found:
                break
        self._report(f"{self._participant.name} {self._rows.count:,}", len(phases), len(phases))
        shutil.rmtree(self._folder, ignore_errors=True)
        return self.found

    def _opened(self, store: Process) -> dict[str, Any]:
        dim = int(self._judge.query_QD.shape[1])
        return store.ask("open", self._limits.cap, folder=str(self._folder / "store"), dim=dim)

    def _process(self) -> Any:
        return process(self._interpreter, self._participant.script, **self._held)

    def _fill(self) -> None:
        limits, rows = self._limits, self._rows
        with self._process() as store:
            self.found |= {"versions": store.versions, "import_seconds": round(store.start_seconds, 3)}
            self._opened(store)
            files = {"vectors": str(rows.vectors), "texts": str(rows.texts), "count": rows.count}
            bulk = store.ask("bulk", 2 * limits.cap, **files, cap=limits.cap)
            self.found["bulk"] = bulk | {"per_second": bulk["rows"] / bulk["seconds"]}
            if not bulk["whole"]:
                said = f"{bulk['rows']:,} of {rows.count:,} rows in {limits.cap:g} s; what follows is of these"
                self.found["failures"]["fill"] = said
                self._rows = first_of(rows, bulk["rows"])
                self._judge = Judge(self._rows)
            self.found["build"] = store.ask("build", 2 * limits.cap, k=K)
            self.found["peak_bytes"] = store.above("VmHWM")
            store.ask("close")
        self.found["disk_bytes"] = size_of(self._folder)

    def _search(self) -> None:
        """With the default setting; then with stronger ones, until recall is as wanted among all and within tenants."""
        limits = self._limits
        with self._process() as store:
            opened = self._opened(store)
            first = store.ask("search", limits.cap, k=K, first=0, end=1)
            self.found["open_seconds"] = opened["seconds"] + first["seconds"][0]
            recall = within = 0.0
            for setting in opened["settings"]:
                store.ask("use", setting=setting)
                if recall < WANTED:
                    recall = self._set_of_queries(store, setting)
                    self.found["chosen"] = setting
                if setting == "default":
                    self.found["resident_bytes"] = store.above("VmRSS")
                    self.found["resident_anonymous_bytes"] = store.above("RssAnon")
                if within < WANTED:
                    within = self._sets_of_tenants(store, setting, "dense")
                    self.found["chosen_within"] = setting
                if min(recall, within) >= WANTED:
                    break
            if self._participant.name == "alen":
                self._set_of_queries(store, "default", how="hybrid")
            store.ask("close")

    def _divide(self) -> None:
        """For participants that give each tenant a place of its own, beside a filter among all."""
        if self._participant.name != "alen":
            return
        rows, limits = self._rows, self._limits
        with self._process() as store:
            self._opened(store)
            files = {"vectors": str(rows.vectors), "texts": str(rows.texts), "count": rows.reached}
            divided = store.ask("divide", 2 * limits.cap, **files, cap=limits.cap)
            if not divided["divided"]:
                raise Failed(f"tenants were not given their places in {limits.cap:.0f} s")
            self._sets_of_tenants(store, "default", "namespace")
            store.ask("close")

    def _change(self) -> None:
        limits, rows = self._limits, self._rows
        with self._process() as store:
            self._opened(store)
            # What is read before the first addition is not part of it.
            store.ask("search", limits.cap, k=K, first=0, end=1)
            count = min(limits.adds, rows.more // 2)
            more = {"vectors": str(rows.folder / "more.npy"), "texts": str(rows.folder / "more.jsonl")}
            added = store.ask("add", 2 * limits.cap, **more, count=count, after=0, first=rows.count, cap=limits.short)
            self.found["add"] = {"seconds": added["seconds"], "capped": len(added["seconds"]) < count}
            deleted = store.ask("delete", limits.cap / 2, count=min(limits.deletes, rows.reached // 10))
            self.found["delete"] = {"rows": len(deleted["ids"]), "seconds": deleted["seconds"]}
            end = min(limits.tenant_queries, limits.queries)
            again = store.ask("search", 2 * limits.cap, k=K, first=0, end=end, cap=limits.short)
            gone = set(deleted["ids"])
            self.found["delete"]["still_found"] = sum(row in gone for found in again["ids"] for row in found)
            store.ask("close")

    def _kill(self) -> None:
        """Ended in the middle of adding; then asked, in a new process, for everything that it had acknowledged."""
        limits, rows = self._limits, self._rows
        more = {"vectors": str(rows.folder / "more.npy"), "texts": str(rows.folder / "more.jsonl")}
        after = rows.more // 2
        names: list[str] = []
        with self._process() as store:
            self._opened(store)
            counts = {"count": rows.more - after, "after": after, "first": rows.count + after}
            store.tell("add", **more, **counts, cap=limits.short, announce=True)
            while len(names) < limits.kill_after:
                said = store.next(2 * limits.cap)
                if "added" not in said:
                    break
                names.append(said["added"])
            store.kill()
            names += [said["added"] for said in store.said() if "added" in said]
        kill: dict[str, Any] = {"acknowledged": len(names), "present": 0, "reopened": False}
        self.found["kill"] = kill
        with self._process() as store:
            self._opened(store)
            kill["present"] = store.ask("present", limits.cap, names=names)["present"]
            store.ask("search", limits.cap, k=K, first=0, end=1)
            kill["reopened"] = True
            store.ask("close")

    def _set_of_queries(self, store: Process, setting: str, how: str = "dense") -> float:
        limits = self._limits
        wanted = {"first": 0, "end": limits.queries, "how": how, "cap": limits.short}
        found = store.ask("search", 2 * limits.cap, k=K, **wanted)
        summary = _summary(setting, None, how, found, self._judge, limits.queries)
        self.found["searches"].append(summary)
        return float(summary["recall"])

    def _sets_of_tenants(self, store: Process, setting: str, how: str) -> float:
        """The recall of the tenant that fares worst."""
        limits, recalls = self._limits, [1.0]
        end = min(limits.tenant_queries, limits.queries)
        for tenant in TENANTS:
            wanted = {"first": 0, "end": end, "tenant": tenant, "how": how, "cap": limits.short / 4}
            found = store.ask("search", 2 * limits.cap, k=K, **wanted)
            summary = _summary(setting, tenant, how, found, self._judge, end)
            self.found["searches"].append(summary)
            recalls.append(float(summary["recall"]))
        return min(recalls)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _summary(
    setting: str, tenant: str | None, how: str, found: dict[str, Any], judge: Judge, wanted: int
) -> dict[str, Any]:
    recall = judge.recall(found["ids"], tenant)
    return {
        "setting": setting,
        "how": how,
        "tenant": tenant,
        "tenant_rows": judge.size(tenant),
        "recall": round(float(recall.mean()), 6) if len(recall) else 0.0,
        "recalls": recall.round(3).tolist(),
        "foreign": judge.foreign(found["ids"], tenant),
        "seconds": [round(each, 7) for each in found["seconds"]],
        "capped": len(found["seconds"]) < wanted,
    }
