"""A vector index of items that have one or more vectors each: exact inner products, by FAISS when there are many.

Axes: N rows, D dimension, K items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from alen.memory.index import faiss_guard

FAISS_FROM = 20_000
"""Rows from which FAISS is worth loading. It keeps half floats, as the database does: half of numpy's memory."""

COMPACT_FROM = 0.25
"""Share of removed rows above which the index is written anew."""


class VectorIndex:
    """Holds the rows of each item side by side. Not thread-safe: its owner guards it."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._clear()

    def _clear(self) -> None:
        self._rows: _Rows = _NumpyRows(self.dim)
        self._owner_N = np.empty(0, dtype=np.int64)  # the item of each row, -1 when removed
        self._spans: dict[int, tuple[int, int]] = {}
        self._removed = 0

    def __len__(self) -> int:
        return len(self._spans)

    def items(self) -> list[int]:
        return list(self._spans)

    def put(self, items: Sequence[int], counts: Sequence[int], vectors_ND: np.ndarray) -> None:
        """Add items, the k-th with the next ``counts[k]`` rows; one already there is replaced."""
        for item in items:
            self.remove(item)
        start = len(self._owner_N)
        self._rows.append(vectors_ND)
        self._owner_N = np.concatenate([self._owner_N, np.repeat(np.asarray(items, dtype=np.int64), counts)])
        for item, count in zip(items, counts, strict=True):
            self._spans[item] = (start, start + count)
            start += count
        if isinstance(self._rows, _NumpyRows) and start >= FAISS_FROM and faiss_guard.installed():
            moved = _FaissRows(self.dim)
            moved.append(self._rows.read(np.arange(start)))
            self._rows = moved

    def remove(self, item: int) -> None:
        """Forget an item; nothing happens when it is not there."""
        span = self._spans.pop(item, None)
        if span is None:
            return
        self._owner_N[span[0] : span[1]] = -1
        self._removed += span[1] - span[0]
        if self._removed > COMPACT_FROM * len(self._owner_N):
            kept = sorted(self._spans.items(), key=lambda entry: entry[1])
            vectors_ND = self._rows.read(np.flatnonzero(self._owner_N >= 0))
            self._clear()
            if kept:
                self.put([item for item, _ in kept], [end - start for _, (start, end) in kept], vectors_ND)

    def top(self, query_D: np.ndarray, count: int) -> list[int]:
        """The items of the ``count`` best rows, best first, each once."""
        return list(dict.fromkeys(item for item, _ in self.top_scored(query_D, count)))

    def top_scored(self, query_D: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Item and inner product of the ``count`` best rows, best first."""
        wanted = min(count + self._removed, len(self._owner_N))
        if wanted == 0:
            return []
        rows_N, scores_N = self._rows.top(query_D, wanted)
        owners_N = self._owner_N[rows_N]
        kept = owners_N >= 0
        return list(zip(owners_N[kept][:count].tolist(), scores_N[kept][:count].tolist(), strict=True))

    def best(self, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]:
        """For each of ``items`` that is there: its highest inner product, and which of its rows has it."""
        known = [item for item in items if item in self._spans]
        if not known:
            return {}
        first_K, end_K = np.array([self._spans[item] for item in known]).T
        best_K, place_K = best_of_spans(self._rows.read, first_K, end_K - first_K, query_D)
        return dict(zip(known, zip(best_K.tolist(), place_K.tolist(), strict=True), strict=True))


def best_of_spans(
    read: Callable[[np.ndarray], np.ndarray],
    first_K: np.ndarray,
    count_K: np.ndarray,
    query_D: np.ndarray,
    likely: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Of each span of rows the highest inner product, and which of its rows has it first. ``read`` gives rows by their
    numbers; a product that is above ``likely``, or no number, counts as minus infinity."""
    offset_K = np.cumsum(count_K) - count_K
    # Row numbers of all spans, one span after another.
    scores_N = np.vecdot(read(np.arange(count_K.sum()) + np.repeat(first_K - offset_K, count_K)), query_D)
    scores_N = np.where(abs(scores_N) <= likely, scores_N, -np.inf)
    best_K = np.maximum.reduceat(scores_N, offset_K)
    # The first row of each span that reaches the span's best score.
    hits_N = np.flatnonzero(scores_N == np.repeat(best_K, count_K))
    return best_K, hits_N[np.searchsorted(hits_N, offset_K)] - offset_K


class _Rows(Protocol):
    def append(self, vectors_ND: np.ndarray) -> None: ...
    def read(self, rows: np.ndarray) -> np.ndarray: ...
    def top(self, query_D: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]: ...


class _NumpyRows:
    def __init__(self, dim: int) -> None:
        self._room = np.empty((0, dim), dtype=np.float32)
        self._size = 0

    def append(self, vectors_ND: np.ndarray) -> None:
        needed = self._size + len(vectors_ND)
        if needed > len(self._room):
            room = np.empty((max(needed, 64, 2 * len(self._room)), self._room.shape[1]), dtype=np.float32)
            room[: self._size] = self._room[: self._size]
            self._room = room
        self._room[self._size : needed] = vectors_ND
        self._size = needed

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self._room[rows]

    def top(self, query_D: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        # Not by ``@``: its threads go on spinning afterwards and cost the model that runs next up to 0.1 s.
        scores_N = np.vecdot(self._room[: self._size], query_D)
        chosen = np.argpartition(-scores_N, count - 1)[:count] if count < self._size else np.arange(self._size)
        order = chosen[np.lexsort((chosen, -scores_N[chosen]))]
        return order, scores_N[order]


class _FaissRows:
    def __init__(self, dim: int) -> None:
        faiss = faiss_guard.load()
        self._faiss: Any = faiss
        self._index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._dim = dim

    def append(self, vectors_ND: np.ndarray) -> None:
        self._index.add(np.ascontiguousarray(vectors_ND, dtype=np.float32))

    def read(self, rows: np.ndarray) -> np.ndarray:
        codes = self._faiss.rev_swig_ptr(self._index.codes.data(), self._index.ntotal * self._dim * 2)
        return codes.view(np.float16).reshape(-1, self._dim)[rows].astype(np.float32)

    def top(self, query_D: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        scores, rows = self._index.search(np.ascontiguousarray(query_D[None], dtype=np.float32), count)
        return rows[0], scores[0]
