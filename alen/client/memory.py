"""RemoteMemory: the memory of a running server, with the methods of ``EpisodicMemory`` that make sense from afar."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from types import TracebackType
from typing import Any

from alen.client.connection import Connection, read
from alen.errors import BadInput
from alen.types import Episode, EpisodeHit, PassageDraft, PassageHit, TeachReport
from alen.upkeep import ALIKE, ForgettingPolicy, Forgotten, Merged, Receipt

Progress = Callable[[str, int, int], None]

ROWS_AT_ONCE = 256
BYTES_AT_ONCE = 512 * 1024
"""Of what is taught in one request, as JSON: so that none is long, and little is lost when one fails."""

LARGEST_DOCUMENT = 3 * 1024 * 1024
"""Bytes of a document's passages as JSON. At its end a document is told once more as a whole, so that what it no longer
says is retired, and a server takes 4 MiB."""

_ROW = re.compile(r"row (\d+)(?=$|,)")


class RemoteMemory:
    """Safe to use from many threads. The namespace is that of the key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> RemoteMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stats(self) -> dict[str, Any]:
        return self._do("stats")

    def search(self, query: str, k: int = 8) -> list[PassageHit | EpisodeHit]:
        found = self._do("search", query=query, k=k)
        return self._read(lambda told: [_hit(each) for each in told["hits"]], found)

    def recall(
        self, question: str, k: int = 8, *, mode: str = "hybrid", where: Mapping[str, Any] | None = None
    ) -> list[EpisodeHit]:
        found = self._do("recall", question=question, k=k, mode=mode, where=dict(where or {}))
        return self._read(lambda told: [EpisodeHit.from_json(each) for each in told["hits"]], found)

    def show(self, uid: str) -> dict[str, Any]:
        return self._do("show", id=uid)

    def get(self, uid: str) -> Episode:
        return self._read(Episode.from_json, self._do("get", id=uid))

    def remember(self, *, question: str, answer: str, **fields: Any) -> str:
        found = self._do("remember", question=question, answer=answer, **fields)
        return self._read(lambda told: str(told["id"]), found)

    def update(self, uid: str, **changes: Any) -> Episode:
        return self._read(Episode.from_json, self._do("update", id=uid, changes=changes))

    def supersede(self, old: str, new: str) -> None:
        self._do("supersede", old=old, new=new)

    def retract(self, uid: str) -> int:
        return self._read(lambda told: int(told["descendants"]), self._do("retract", id=uid))

    def history(self, uid: str) -> list[dict[str, Any]]:
        return self._read(lambda told: list(told["versions"]), self._do("history", id=uid))

    def merge(self, *, alike: float = ALIKE, dry_run: bool = True) -> list[Merged]:
        found = self._do("merge", alike=alike, dry_run=dry_run)
        return self._read(lambda told: [Merged(each["kept"], tuple(each["folded"])) for each in told["merged"]], found)

    def unmerge(self, uid: str) -> list[str]:
        return self._read(lambda told: list(told["back"]), self._do("unmerge", id=uid))

    def delete(self, uids: str | Sequence[str]) -> int:
        wanted = [uids] if isinstance(uids, str) else list(uids)
        return self._read(lambda told: int(told["deleted"]), self._do("delete", ids=wanted))

    def forget(self, policy: ForgettingPolicy | None = None, *, dry_run: bool = True) -> list[Forgotten]:
        found = self._do("forget", **asdict(policy or ForgettingPolicy()), dry_run=dry_run)
        return self._read(lambda told: [Forgotten(**each) for each in told["forgotten"]], found)

    def erase(self, uids: Sequence[str] | None = None, *, source: str | None = None, whole: bool = False) -> Receipt:
        ids = None if uids is None else list(uids)
        return self._read(lambda told: Receipt(**told), self._do("erase", ids=ids, source=source, whole=whole))

    def receipts(self) -> list[dict[str, Any]]:
        """Of the namespace of the key."""
        return self._read(lambda told: list(told["receipts"]), self._do("receipts"))

    def remember_many(
        self, rows: Sequence[Mapping[str, Any]], *, source: str = "user", progress: Progress | None = None
    ) -> TeachReport:
        """In bounded pieces, each stored as a whole: what was sent before a failure stays, and is known when the same
        is taught again."""
        total, done = TeachReport(0, 0, 0, 0.0), 0
        for part in _pieces([dict(row) for row in rows]):
            try:
                report = self._taught("remember_many", rows=part, source=source)
            except BadInput as error:
                field = _ROW.sub(partial(_numbered, done), error.field, count=1)
                raise BadInput(field, error.found, error.allowed, error.hint) from None
            total, done = _sum(total, report), done + len(part)
            if progress is not None:
                progress("teaching", done, len(rows))
        return total

    def teach_passages(
        self,
        source: str,
        drafts: Sequence[PassageDraft],
        *,
        content_hash: str,
        progress: Progress | None = None,
    ) -> TeachReport:
        """One document. A long one is sent in bounded pieces and then, for what it no longer says, as a whole."""
        told = [draft.to_json() for draft in drafts]
        size = sum(map(_size, told))
        if size > LARGEST_DOCUMENT:
            hint = "Cut it into parts, or teach it on the machine of the server."
            raise BadInput("path", f"{source}, {size:,} bytes", f"at most {LARGEST_DOCUMENT:,} over a server", hint)
        total, done = TeachReport(0, 0, 0, 0.0), 0
        pieces = list(_pieces(told))
        shared = {"source": source, "content_hash": content_hash}
        for part in pieces if len(pieces) > 1 else ():
            total = _sum(total, self._taught("teach_passages", **shared, drafts=part, replaces_source=False))
            done += len(part)
            if progress is not None:
                progress("teaching", done, len(told))
        total = _sum(total, self._taught("teach_passages", **shared, drafts=told))
        if progress is not None and not done:
            progress("teaching", len(told), len(told))
        return replace(total, duplicates=len(told) - total.stored)

    def _taught(self, verb: str, **body: Any) -> TeachReport:
        return self._read(TeachReport.from_json, self._do(verb, **body))

    def _do(self, verb: str, **body: Any) -> dict[str, Any]:
        return self._connection.post(f"/alen/memory/{verb}", body)

    def _read(self, kind: Callable[[Any], Any], found: dict[str, Any]) -> Any:
        return read(self._connection, kind, found)


def _sum(one: TeachReport, other: TeachReport) -> TeachReport:
    names = ("stored", "duplicates", "retired", "seconds")
    return TeachReport(*(getattr(one, name) + getattr(other, name) for name in names))


def _numbered(before: int, found: re.Match[str]) -> str:
    """A row's number among all rows, and not only in its piece."""
    return f"row {before + int(found[1])}"


def _hit(told: Mapping[str, Any]) -> PassageHit | EpisodeHit:
    return PassageHit.from_json(told) if told["kind"] == "passage" else EpisodeHit.from_json(told)


def _pieces(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """At most ROWS_AT_ONCE rows and BYTES_AT_ONCE bytes together; a longer row goes alone."""
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        own = _size(row)
        if part and (len(part) == ROWS_AT_ONCE or size + own > BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(row)
        size += own
    if part:
        yield part


def _size(row: Mapping[str, Any]) -> int:
    return len(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
