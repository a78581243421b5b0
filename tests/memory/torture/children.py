"""Processes that may die: each starts from a clean one that has loaded memory but opened nothing, in milliseconds."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from alen.memory import auditing, faults
from alen.memory.index import faiss_guard, planning
from tests.memory.torture.counts import times

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["alen.memory", "alembic.command", "faiss", "tests.memory.conftest"])

PLANNING = {"SEAL_FROM": 40, "RECALL": 2.0, "OF_CODES": 2.0}
"""Indexes are sealed from few rows in these tests, and read to their end, so that what they find can be foretold."""

SAMPLE = 20
"""Items that a deep look searches for by their own vector."""

WATCHDOG_SECONDS = times(1800, 60)
KILLED = 137


class Child:
    """A process that runs ``target(send, *arguments)`` and what it has sent."""

    def __init__(self, target: Callable[..., None], *arguments: Any, fault: str = "") -> None:
        self._reader, writer = CONTEXT.Pipe(duplex=False)
        self.process: BaseProcess = CONTEXT.Process(target=_run, args=(writer, fault, target, arguments), daemon=True)
        self.process.start()
        writer.close()
        self.sent: list[Any] = []

    def receive(self, seconds: float = WATCHDOG_SECONDS) -> bool:
        """Take in what was sent, waiting for the first of it; False when the child has ended."""
        if not self._reader.poll(seconds):
            raise TimeoutError(f"nothing from the child in {seconds} s, after {self.sent[-3:]}")
        try:
            while True:
                self.sent.append(self._reader.recv())
                if not self._reader.poll():
                    return True
        except (EOFError, OSError):
            return False

    def finish(self, seconds: float = WATCHDOG_SECONDS) -> int:
        """Wait for the end; the exit code, negative for a signal. A child that hangs is a failure."""
        until = time.monotonic() + seconds
        while self.receive(max(0.0, until - time.monotonic())):
            pass
        self.process.join(seconds)
        assert self.process.exitcode is not None, "the child hangs"
        self._reader.close()
        return self.process.exitcode

    def kill(self, kind: int = signal.SIGKILL) -> int:
        """As ``finish``, unless it has ended already."""
        assert self.process.pid is not None
        if self.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, kind)
        return self.finish()


def _run(writer: Connection, fault: str, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    plan(setattr)
    auditing.SAMPLE = SAMPLE
    one_thread()
    if fault:
        os.environ["ALEN_FAULT"] = fault
        importlib.reload(faults)
    target(writer.send, *arguments)


def plan(assign: Callable[[Any, str, Any], None]) -> None:
    for name, value in PLANNING.items():
        assign(planning, name, value)


def one_thread() -> None:
    """Threads of FAISS that wait for each other on a busy machine are what these tests would measure."""
    if faiss_guard.installed():
        faiss_guard.load().omp_set_num_threads(1)
