"""The vectors of sealed indexes on a GPU, with the CPU's answer whenever the GPU has none. They lie there as half
floats and are all compared with each question: exact, and what a GPU does best.

FAISS on a GPU is not safe to use from several threads, not even to read. One thread of a process owns the device,
copies vectors there and searches them; questions that wait for it are asked together.

Axes: Q queries, D dimension, K neighbours.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from alen.memory.index import faiss_guard

_LOGGER = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
"""How long an answer is waited for. A batch takes milliseconds: a device that is silent for so long hangs."""

WORTH_A_COPY = 16
"""Queries of an index from which it is copied to the device: who asks once and ends should not wait for that."""

AT_ONCE = 1024
"""Queries in one search, and jobs that are taken from the queue together."""

DEEPEST = 2048
"""Neighbours that FAISS can look for on a GPU; the CPU answers what asks for more."""

_ADD_AT_ONCE = 65_536

SCRATCH_BYTES = 256 << 20
"""What FAISS sets aside on the device for itself; left alone it takes 1.5 GiB, which a language model may need."""

Found = np.ndarray
"""Rows (Q, K), -1 where there is none."""

_KEYS = count()
_ONCE = threading.Lock()
_ENDED = "its worker has ended"


@dataclass(frozen=True, slots=True)
class _Search:
    key: int
    query_QD: np.ndarray
    depth: int
    answer: Future[Found] = field(default_factory=Future)


class Worker:
    """The one thread that uses the device. ``faiss`` is the library, or in tests something that behaves like it."""

    def __init__(self, faiss: Any) -> None:
        self._faiss = faiss
        self._jobs: SimpleQueue[_Search | Callable[[], None]] = SimpleQueue()  # may be put to from finalizers
        self._indexes: dict[int, Any] = {}
        self._resources: Any = None
        self._process = os.getpid()
        self._stopped = threading.Event()
        self.copying = False
        threading.Thread(target=self._work, name="alen-gpu", daemon=True).start()

    @property
    def closed(self) -> bool:
        """Also in a process forked from the one that began it: threads and devices stay behind."""
        return self._stopped.is_set() or os.getpid() != self._process

    def close(self) -> None:
        """Take no more; what waits is refused. Does not wait for what the device is doing."""
        self._stopped.set()
        self._jobs.put(lambda: None)

    def copy(self, key: int, half_ND: np.ndarray) -> Future[None]:
        """Bring vectors to the device; the future ends when it is there, or with the error."""
        made: Future[None] = Future()

        def job() -> None:
            self.copying = True
            try:
                self._indexes[key] = self._copied(half_ND)
                made.set_result(None)
            except Exception as error:  # whatever the device says, the CPU answers
                made.set_exception(error)
            finally:
                self.copying = False

        self._jobs.put(job)
        return made

    def drop(self, key: int) -> None:
        """Give the memory of an index back, in the thread that took it."""
        self._jobs.put(lambda: self._drop(key))

    def ask(self, key: int, query_QD: np.ndarray, depth: int) -> Future[Found]:
        search = _Search(key, query_QD, depth)
        self._jobs.put(search)
        if self.closed:  # looked at after the put: either the thread or this line refuses it
            search.answer.cancel()
        return search.answer

    def _copied(self, half_ND: np.ndarray) -> Any:
        if self._resources is None:
            self._resources = self._faiss.StandardGpuResources()
            self._resources.setTempMemory(SCRATCH_BYTES)
        config = self._faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        flat = self._faiss.GpuIndexFlatIP(self._resources, half_ND.shape[1], config)
        for start in range(0, len(half_ND), _ADD_AT_ONCE):
            flat.add(np.asarray(half_ND[start : start + _ADD_AT_ONCE], dtype=np.float32))
        return flat

    def _drop(self, key: int) -> None:
        self._indexes.pop(key, None)

    def _work(self) -> None:
        while not self._stopped.is_set():
            jobs = [self._jobs.get()]
            with suppress(Empty):
                while len(jobs) < AT_ONCE:
                    jobs.append(self._jobs.get_nowait())
            together: dict[int, list[_Search]] = {}
            for job in jobs:
                if isinstance(job, _Search):
                    together.setdefault(job.key, []).append(job)
                else:
                    job()
            for searches in together.values():
                self._answer([each for each in searches if each.answer.set_running_or_notify_cancel()])
        self._indexes.clear()
        self._resources = None
        with suppress(Empty):
            while True:
                left = self._jobs.get_nowait()
                if isinstance(left, _Search):
                    left.answer.cancel()

    def _answer(self, searches: Sequence[_Search]) -> None:
        if not searches:
            return
        try:
            query_QD = np.concatenate([each.query_QD for each in searches])
            deepest = max(each.depth for each in searches)
            _, rows_QK = self._indexes[searches[0].key].search(query_QD, deepest)
        except Exception as error:  # whatever the device says, the CPU answers
            for each in searches:
                each.answer.set_exception(error)
            return
        start = 0
        for each in searches:
            end = start + len(each.query_QD)
            each.answer.set_result(rows_QK[start:end, : each.depth])
            start = end


class Copy:
    """A sealed index's vectors on the device, from when it is worth it until something goes wrong: then never again."""

    def __init__(self, worker: Worker, half_ND: np.ndarray, name: str) -> None:
        self._worker, self._half_ND, self._name = worker, half_ND, name
        self._key = next(_KEYS)
        self._guard = threading.Lock()
        self._asked = 0
        self._made: Future[None] | None = None
        self._given_up = False
        weakref.finalize(self, worker.drop, self._key).atexit = False

    def search(self, query_QD: np.ndarray, depth: int) -> Found | None:
        """What the device finds; None when the CPU is to answer."""
        if depth > DEEPEST or not self._ready(len(query_QD)):
            return None
        found = []
        for start in range(0, len(query_QD), AT_ONCE):
            part = self._asked_of_device(query_QD[start : start + AT_ONCE], depth)
            if part is None:
                return None
            found.append(part)
        return np.concatenate(found)

    def wait(self, seconds: float) -> bool:
        """Until the copy that was begun is made, or so long; whether the device answers now."""
        if self._made is not None:
            with suppress(Exception):  # ``_ready`` says it
                self._made.result(seconds)
        return self._ready(0)

    def _ready(self, queries: int) -> bool:
        if self._worker.closed:
            self._give_up(_ENDED)
        with self._guard:
            self._asked += queries
            if self._given_up:
                return False
            if self._made is None:
                if self._asked >= WORTH_A_COPY:
                    self._made = self._worker.copy(self._key, self._half_ND)
                return False
        if not self._made.done():
            return False
        error = self._made.exception()
        if error is not None:
            self._give_up(error)
            return False
        # While another index is being copied the device answers late, and the CPU at once.
        return not self._worker.copying

    def _asked_of_device(self, query_QD: np.ndarray, depth: int) -> Found | None:
        answer = self._worker.ask(self._key, query_QD, depth)
        try:
            return answer.result(WAIT_SECONDS)
        except TimeoutError:
            answer.cancel()
            if self._worker.copying:
                return None
            self._worker.close()
            self._give_up(f"it gave no answer in {WAIT_SECONDS:g} seconds")
        except CancelledError:
            self._give_up(_ENDED)
        except Exception as error:  # whatever the device says, the CPU answers
            self._give_up(error)
        return None

    def _give_up(self, reason: object) -> None:
        with self._guard:
            if self._given_up:
                return
            self._given_up = True
        self._worker.drop(self._key)
        _LOGGER.warning("The CPU searches %s from now on, the GPU does not: %s.", self._name, reason)


def available(faiss: Any) -> bool:
    """Whether this FAISS can use a GPU, and there is one."""
    if not hasattr(faiss, "StandardGpuResources"):
        return False
    try:
        return bool(faiss.get_num_gpus() > 0)
    except Exception as error:  # whatever the driver says, the CPU answers
        _LOGGER.warning("FAISS finds no GPU: %s.", error)
        return False


def worker() -> Worker | None:
    """Of this process; None where there is no GPU."""
    with _ONCE:
        return _worker()


@cache
def _worker() -> Worker | None:
    faiss = faiss_guard.load()
    return Worker(faiss) if available(faiss) else None


def copy_of(half_ND: np.ndarray, name: str) -> Copy | None:
    """What may search vectors on the GPU; None where there is none."""
    owner = worker()
    return None if owner is None else Copy(owner, half_ND, name)
