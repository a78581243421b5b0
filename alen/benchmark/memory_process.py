"""A participant of the memory benchmark in an environment and a process of its own, so that memory is its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.benchmark.machine import ROOT
from alen.errors import WorkError

STORES = Path(__file__).parent / "stores"
"""Scripts, not modules: each runs where its peer is installed, and ALEN may not be."""

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Participant:
    """``requirements`` are what its environment holds; none means that of this process. Above ``most`` rows it is left
    out."""

    name: str
    requirements: tuple[str, ...] = ()
    most: int | None = None

    @property
    def script(self) -> Path:
        return STORES / f"{self.name.replace('-', '_')}_store.py"

    @property
    def key(self) -> str:
        """Changes with what would be measured."""
        text = "\n".join([*self.requirements, self.script.read_text("utf-8")])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


PARTICIPANTS = {
    each.name: each
    for each in (
        Participant("alen"),
        Participant("chromadb", ("chromadb==1.5.9", "numpy==2.4.6")),
        Participant("lancedb", ("lancedb==0.40.0", "numpy==2.4.6")),
        Participant("txtai", ("txtai==9.14.0", "faiss-cpu==1.15.1", "torch==2.13.0", "numpy==2.4.6")),
        Participant("sqlite-vec", ("sqlite-vec==0.1.9", "apsw==3.54.1.0", "numpy==2.4.6")),
        # It warns from 20,000 points on, and opening 100,000 took 23 KB for each: a million would not fit here.
        Participant("qdrant", ("qdrant-client==1.20.0", "numpy==2.4.6"), most=100_000),
    )
}


class Failed(Exception):
    """A participant did not do what it was asked; the message says why."""


def python_of(participant: Participant, folder: Path) -> Path:
    """The interpreter of its environment, which is made when it is not there. Raises WorkError when it cannot be."""
    if not participant.requirements:
        return Path(sys.executable)
    return environment(folder / participant.name, participant.requirements)


def environment(place: Path, requirements: tuple[str, ...]) -> Path:
    """The interpreter of a virtual environment with just these requirements. Raises WorkError."""
    interpreter, made = place / "bin" / "python", place / "made-of.txt"
    wanted = "\n".join(requirements)
    if made.is_file() and made.read_text("utf-8") == wanted:
        return interpreter
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
    ):
        done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise WorkError(
                f"The environment of {place.name} could not be made: {done.stderr.strip()[-300:]}",
                "Make its packages reachable for pip, or leave it out with --only.",
            )
    made.write_text(wanted, "utf-8")
    return interpreter


class Process:
    """Answers requests, one after another; ``baseline`` is what it took before it had a store, its imports done and
    the questions ``held``, in bytes by the kernel's name for it."""

    def __init__(self, interpreter: Path, script: Path, held: Mapping[str, str]) -> None:
        started = time.perf_counter()
        # Output of libraries goes to the log of the run, never between answers.
        self._process = subprocess.Popen(
            [str(interpreter), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_variables(interpreter),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.versions: dict[str, str] = self._answer(START_SECONDS)["ready"]
        self.start_seconds = time.perf_counter() - started
        if held:
            self.ask("hold", START_SECONDS, **held)
        self.baseline = {field: self.memory(field) for field in ("VmRSS", "RssAnon")}

    def ask(self, do: str, limit: float = 600.0, **request: Any) -> dict[str, Any]:
        """What it answered. Raises Failed when that is an error, or nothing came within ``limit`` seconds; it is ended
        then, as it is when it ended itself."""
        self.tell(do, **request)
        return self._answer(limit)

    def tell(self, do: str, **request: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"it ended with code {self._process.wait()}") from None

    def next(self, limit: float) -> dict[str, Any]:
        """The next line that it says. Raises Failed as ``ask`` does."""
        return self._answer(limit)

    def kill(self) -> None:
        """At once, as a power switch would; what it had said by then can still be read with ``said``."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def said(self) -> Iterator[dict[str, Any]]:
        """Every whole line that was said and not read yet, of a process that has ended."""
        while True:
            line = self._lines.get(timeout=10)
            if not line:
                return
            if line.endswith("\n"):
                yield json.loads(line)

    def above(self, field: str) -> int:
        """Bytes above the baseline; a peak (VmHWM) is compared with what was resident then."""
        return self.memory(field) - self.baseline["RssAnon" if field == "RssAnon" else "VmRSS"]

    def memory(self, field: str) -> int:
        """Bytes, from the kernel's account of the process; 0 where there is none."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        except OSError:
            return 0
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0

    def close(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it has ended, which is what closing is for
                self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            for line in out:
                self._lines.put(line)
        self._lines.put("")

    def _answer(self, limit: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            self.kill()
            raise Failed(f"no answer within {limit:g} s") from None
        if not line:
            raise Failed(f"it ended with code {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Failed(found["error"])
        return found


@contextmanager
def process(interpreter: Path, script: Path, **held: str) -> Iterator[Process]:
    """``held`` are the files of the questions that it will be asked, ``queries`` and ``texts``."""
    made = Process(interpreter, script, held)
    try:
        yield made
    finally:
        made.close()


def _variables(interpreter: Path) -> dict[str, str]:
    """A peer sees nothing but its own environment; ALEN is found where this process has found it."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if interpreter == Path(sys.executable):
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return found | {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
