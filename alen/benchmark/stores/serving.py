"""What a store of the memory benchmark is told and answers, a line of JSON each, in a process of its own.

This file and the stores beside it import nothing of ALEN but in ``alen_store.py``: each peer runs where only it is
installed. A store is a class with the methods of ``Store``; ``serve`` does the rest.

Axes: N rows, D dimension.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(slots=True)
class Batch:
    """Rows side by side: ids, questions, answers, owners (empty for nobody in particular) and unit vectors."""

    ids: list[int]
    questions: list[str]
    answers: list[str]
    tenants: list[str]
    vectors_ND: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Query:
    """``how`` is dense, hybrid or namespace, where a store knows such a thing."""

    text: str
    vector_D: np.ndarray
    k: int
    tenant: str | None
    how: str


class Store(Protocol):
    """What is acknowledged has been given to the participant's own call that makes it last; see each store."""

    batch: int
    """Rows that its makers advise to give at once."""
    settings: list[str]
    """Ways of searching, its default first, then those its documentation gives for more recall."""

    def __init__(self, folder: Path, dim: int) -> None: ...
    def bulk(self, batches: Iterator[Batch]) -> None: ...
    def build(self) -> None:
        """Whatever makes searching fast, waited for."""

    def use(self, setting: str) -> None: ...
    def search(self, query: Query) -> list[tuple[int, str, str]]:
        """Ids, questions and answers, best first."""
        ...

    def add(self, row: Batch) -> str:
        """One row, on the disk when it returns; the name that ``present`` knows it by."""
        ...

    def delete(self, count: int) -> tuple[list[int], float]:
        """Ids of rows that were deleted by its fastest way, and the seconds of that alone."""
        ...

    def present(self, names: list[str]) -> int: ...
    def close(self) -> None: ...


class Feed:
    """Batches out of files, until the seconds are over; its own time is not the store's."""

    def __init__(self, vectors: str, texts: str, size: int, *, count: int, after: int = 0, cap: float = 1e9) -> None:
        self.given = 0
        self.reading = 0.0
        self._paths, self._size, self._count, self._after = (vectors, texts), size, count, after
        self._until = time.monotonic() + cap

    @property
    def whole(self) -> bool:
        return self.given == self._count

    def __iter__(self) -> Iterator[Batch]:
        started = time.perf_counter()
        vectors, texts = self._paths
        with open(vectors, "rb") as rows, open(texts, encoding="utf-8") as lines:
            version = np.lib.format.read_magic(rows)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = reader(rows)
            rows.seek(self._after * shape[1] * dtype.itemsize, 1)
            for _ in itertools.islice(lines, self._after):
                pass
            while self.given < self._count and time.monotonic() < self._until:
                size = min(self._size, self._count - self.given)
                found = [json.loads(line) for line in itertools.islice(lines, size)]
                # Read, not mapped: pages of this file are not memory that the store takes.
                flat = np.fromfile(rows, dtype, size * shape[1])
                first = self._after + self.given
                self.given += size
                questions, answers, tenants = ([row[place] for row in found] for place in range(3))
                vectors_ND = flat.reshape(size, -1).astype(np.float32)
                batch = Batch(list(range(first, first + size)), questions, answers, tenants, vectors_ND)
                self.reading += time.perf_counter() - started
                yield batch
                started = time.perf_counter()
        self.reading += time.perf_counter() - started


class Session:
    """The requests that a process answers, by name."""

    def __init__(self, make: Callable[[Path, int], Store]) -> None:
        self._make = make
        self._store: Any = None
        self._queries: list[tuple[str, np.ndarray]] = []

    def hold(self, queries: str, texts: str) -> dict[str, Any]:
        """The questions, of which ``search`` gets the numbers."""
        with open(texts, encoding="utf-8") as lines:
            questions = [json.loads(line)[0] for line in lines]
        self._queries = list(zip(questions, np.load(queries), strict=True))
        return {}

    def open(self, folder: str, dim: int) -> dict[str, Any]:
        started = time.perf_counter()
        self._store = self._make(Path(folder), dim)
        return {"seconds": time.perf_counter() - started, "settings": self._store.settings}

    def bulk(self, vectors: str, texts: str, count: int, cap: float) -> dict[str, Any]:
        """Seconds until all was acknowledged, and by batch where the store takes them one by one."""
        feed = Feed(vectors, texts, self._store.batch, count=count, cap=cap)
        marks: list[float] = []

        def marked() -> Iterator[Batch]:
            for batch in feed:
                marks.append(time.perf_counter() - feed.reading)
                yield batch

        started = time.perf_counter()
        self._store.bulk(marked())
        ended = time.perf_counter() - feed.reading
        pieces = np.diff([*marks, ended]).tolist() if marks else []
        return {"rows": feed.given, "whole": feed.whole, "seconds": ended - started, "pieces": pieces}

    def build(self, k: int) -> dict[str, Any]:
        """Seconds until the index is made and a first query is answered: some stores leave work to it."""
        started = time.perf_counter()
        self._store.build()
        self.search(k, 0, 1)
        return {"seconds": time.perf_counter() - started}

    def divide(self, vectors: str, texts: str, count: int, cap: float) -> dict[str, Any]:
        """Give each tenant a place of its own, where a store has such."""
        if not hasattr(self._store, "divide"):
            return {"divided": False}
        started = time.perf_counter()
        feed = Feed(vectors, texts, self._store.batch, count=count, cap=cap)
        self._store.divide(iter(feed))
        return {"divided": feed.whole, "seconds": time.perf_counter() - started}

    def use(self, setting: str) -> dict[str, Any]:
        self._store.use(setting)
        return {}

    def search(
        self, k: int, first: int, end: int, tenant: str | None = None, how: str = "dense", cap: float = 1e9
    ) -> dict[str, Any]:
        """Ids and seconds of queries ``first`` to ``end``, fewer when the seconds are over."""
        ids, seconds, characters = [], [], 0
        until = time.monotonic() + cap
        for text, vector_D in self._queries[first:end]:
            if time.monotonic() > until:
                break
            query = Query(text, vector_D, k, tenant, how)
            started = time.perf_counter()
            found = self._store.search(query)
            seconds.append(time.perf_counter() - started)
            ids.append([row for row, _, _ in found])
            characters += sum(len(question) + len(answer) for _, question, answer in found)
        return {"ids": ids, "seconds": seconds, "characters": characters}

    def add(
        self, vectors: str, texts: str, count: int, after: int, first: int, cap: float, announce: bool = False
    ) -> dict[str, Any]:
        """Rows one by one, each lasting before the next; ``first`` is the id of the first. Announced at once, so that
        whoever ends this process knows what was acknowledged."""
        seconds = []
        for place, row in enumerate(Feed(vectors, texts, 1, count=count, after=after, cap=cap)):
            row.ids = [first + place]
            started = time.perf_counter()
            name = self._store.add(row)
            seconds.append(time.perf_counter() - started)
            if announce:
                _say({"added": name})
        return {"seconds": seconds}

    def delete(self, count: int) -> dict[str, Any]:
        deleted, seconds = self._store.delete(count)
        return {"ids": deleted, "seconds": seconds}

    def present(self, names: list[str]) -> dict[str, Any]:
        return {"present": self._store.present(names)}

    def close(self) -> dict[str, Any]:
        self._store.close()
        return {}


def serve(make: Callable[[Path, int], Store], versions: dict[str, str]) -> None:
    """Answer until standard input ends."""
    session = Session(make)
    _say({"ready": versions})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            _say(getattr(session, request.pop("do"))(**request))
        except Exception as error:  # whatever a store raises is a result of the benchmark
            traceback.print_exc()
            _say({"error": f"{type(error).__name__}: {error}"[:500]})


def _say(message: dict[str, Any]) -> None:
    _OUT.write(json.dumps(message) + "\n")
    _OUT.flush()


# Stores print what they like; nothing of it may get between the answers.
_OUT = sys.stdout
sys.stdout = sys.stderr
