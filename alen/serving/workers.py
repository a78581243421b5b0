"""From one process to several: each has models of its own, all share a port and a memory, and who dies is replaced."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, MutableSequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING

from alen.errors import AlenError, WorkError
from alen.serving.accepting import NOBODY
from alen.serving.listening import GRACE_SECONDS, Listening, address
from alen.serving.log import log_in_lines
from alen.serving.siblings import Siblings, metrics_file

if TYPE_CHECKING:
    from alen.engine import Engine

logger = logging.getLogger("alen.serving")

# A forked process would have the locks of torch's and FAISS's threads without the threads.
_CONTEXT = multiprocessing.get_context("spawn")

_POLL_SECONDS = 0.2
_HEALTHY_SECONDS = 10.0
_LONGEST_WAIT = 30.0


def serve(opening: Callable[[], Engine], listening: Listening, told: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT: then new connections are refused, and requests under way have GRACE_SECONDS. ``opening``
    runs in every process that answers, so with several of them it must be picklable. ``told`` hears the address once
    all of them listen.

    Raises WorkError when the port is taken, and what ``opening`` raises."""
    with listening.bound() as taken:
        url = address(taken)
        if listening.workers == 1:
            from alen.serving.server import run

            run(opening, listening, taken, on_listening=lambda: told(url))
            return
        with TemporaryDirectory(prefix="alen-serve-") as folder:
            _Supervisor(opening, listening, taken, Path(folder)).run(lambda: told(url))


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    """Its end of it says that it listens, or why it cannot; when ours closes, it ends."""

    since: float
    listens: bool = False
    error: AlenError | None = None

    def hear(self) -> None:
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                found = self.pipe.recv()
                self.listens, self.error = found is None, found


class _Supervisor:
    """Loads no model and opens no memory: what can break is in the workers."""

    def __init__(self, opening: Callable[[], Engine], listening: Listening, taken: socket, folder: Path) -> None:
        self._opening, self._listening, self._taken, self._folder = opening, listening, taken, folder
        self._workers: dict[int, _Worker] = {}
        self._waits = dict.fromkeys(range(listening.workers), 0.0)
        self._due = dict.fromkeys(range(listening.workers), 0.0)
        self._opened = _CONTEXT.RawArray("i", [NOBODY] * listening.workers)
        self._stopping = False

    def run(self, told: Callable[[], None]) -> None:
        log_in_lines()
        before = {kind: signal.signal(kind, self._stop) for kind in (signal.SIGTERM, signal.SIGINT)}
        ready = False
        try:
            while not self._stopping:
                self._start_due()
                self._wait()
                self._mourn(may_start_again=ready)
                if not ready and all(worker.listens for worker in self._workers.values()):
                    ready = True
                    told()
        finally:
            self._end()
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._stopping = True

    def _start_due(self) -> None:
        for number, due in self._due.items():
            if number in self._workers or time.monotonic() < due:
                continue
            ours, theirs = _CONTEXT.Pipe()
            arguments = (self._opening, self._listening, self._taken, self._folder, number, self._opened, theirs)
            process = _CONTEXT.Process(target=_work, args=arguments, name=f"alen-worker-{number}")
            process.start()
            theirs.close()
            self._workers[number] = _Worker(process, ours, time.monotonic())

    def _wait(self) -> None:
        connection.wait([worker.process.sentinel for worker in self._workers.values()], _POLL_SECONDS)
        for number, worker in self._workers.items():
            listened = worker.listens
            worker.hear()
            if worker.listens and not listened:
                logger.info("worker %d listens, as process %d", number, worker.process.pid)

    def _mourn(self, *, may_start_again: bool) -> None:
        for number, worker in list(self._workers.items()):
            if worker.process.is_alive():
                continue
            worker.hear()
            worker.process.join()
            worker.pipe.close()
            del self._workers[number]
            self._opened[number] = NOBODY
            metrics_file(self._folder, number).unlink(missing_ok=True)
            if self._stopping:
                continue
            code = worker.process.exitcode
            if not may_start_again:
                raise worker.error or WorkError(
                    f"A worker ended while it started, with code {code}.", "Its log is above."
                )
            lived = time.monotonic() - worker.since
            self._waits[number] = 0.0 if lived > _HEALTHY_SECONDS else min(2 * self._waits[number] + 1, _LONGEST_WAIT)
            self._due[number] = time.monotonic() + self._waits[number]
            logger.error(
                "worker %d ended with code %s, and is started again in %g s: %s",
                number,
                code,
                self._waits[number],
                worker.error or "killed or crashed",
            )

    def _end(self) -> None:
        """Who is not done in time is killed: what was acknowledged is in the database."""
        self._taken.close()
        for worker in self._workers.values():
            worker.pipe.close()
        until = time.monotonic() + GRACE_SECONDS + 10
        for worker in self._workers.values():
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _work(
    opening: Callable[[], Engine],
    listening: Listening,
    taken: socket,
    folder: Path,
    number: int,
    opened: MutableSequence[int],
    pipe: Connection,
) -> None:
    """The whole life of a worker."""
    from alen.serving.server import run

    try:
        run(
            opening,
            listening,
            taken,
            on_listening=lambda: pipe.send(None),
            siblings=Siblings(folder, number, opened),
            ends_with=pipe,
        )
    except KeyboardInterrupt:
        return  # Ctrl+C reaches every process of a terminal
    except AlenError as error:
        with suppress(OSError):
            pipe.send(error)
        raise SystemExit(error.exit_code) from None
