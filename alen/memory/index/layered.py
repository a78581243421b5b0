"""A sealed index and what has changed since, as one index.

Axes: N rows, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alen.memory.index.exact import VectorIndex
from alen.memory.index.sealed import LIKELY, Sealed


class LayeredIndex:
    """As ``VectorIndex``: rows of each item, put, removed and searched. Not thread-safe: its owner guards it."""

    def __init__(self, dim: int, sealed: Sealed | None = None) -> None:
        self.dim = dim
        self.sealed = sealed
        self.delta = VectorIndex(dim)
        self._gone_I = np.zeros(len(sealed) if sealed else 0, dtype=bool)
        self._gone = 0

    def __len__(self) -> int:
        return len(self.delta) + len(self._gone_I) - self._gone

    @property
    def changed(self) -> int:
        """Items that were put or removed since the sealing."""
        return len(self.delta) + self._gone

    def items(self) -> np.ndarray:
        """All ids, in no order."""
        own = np.fromiter(self.delta.items(), dtype=np.int64)
        return own if self.sealed is None else np.concatenate([self.sealed.item_I[~self._gone_I], own])

    def put(self, items: Sequence[int], counts: Sequence[int], vectors_ND: np.ndarray) -> None:
        """Add items, the k-th with the next ``counts[k]`` rows; one already there is replaced."""
        self._leave_out(items)
        self.delta.put(items, counts, vectors_ND)

    def remove(self, item: int) -> None:
        """Forget an item; nothing happens when it is not there."""
        self._leave_out([item])
        self.delta.remove(item)

    def top(self, query_D: np.ndarray, count: int) -> list[int]:
        """The items of the ``count`` best rows, best first, each once."""
        return list(dict.fromkeys(item for item, _ in self.top_scored(query_D, count)))

    def top_scored(self, query_D: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Item and inner product of the ``count`` best rows, best first."""
        if self.sealed is None:
            return self.delta.top_scored(query_D, count)
        near = self.delta.top_scored(query_D, count)
        wanted, left = count, 1 - self._gone / len(self.sealed)
        while True:
            rows_N, scores_N = self.sealed.top(query_D, wanted, left)
            owners_N = self.sealed.owners(rows_N)
            kept = ~self._gone_I[owners_N]
            # Enough are left, or all that a search reads were seen.
            if kept.sum() >= count or len(rows_N) < wanted or wanted >= self.sealed.manifest.rows:
                break
            wanted *= 4
        far = zip(self.sealed.item_I[owners_N[kept]].tolist(), scores_N[kept].tolist(), strict=True)
        return sorted([*near, *far], key=lambda entry: -entry[1])[:count]

    def best(self, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]:
        """For each of ``items`` that is there: its highest inner product, and which of its rows has it."""
        found = self.delta.best(query_D, items)
        if self.sealed is None:
            return found
        others = np.array([item for item in items if item not in found], dtype=np.int64)
        places = self.sealed.places(others)
        there = (places >= 0) & ~self._gone_I[places]
        others, places = others[there], places[there]
        if not len(others):
            return found
        scores_N, rows_N = self.sealed.best(query_D, places)
        for item, score, row in zip(others.tolist(), scores_N.tolist(), rows_N.tolist(), strict=True):
            if score >= -LIKELY:
                found[item] = (score, row)
        return found

    def _leave_out(self, items: Sequence[int]) -> None:
        if self.sealed is not None and items:
            places = self.sealed.places(items)
            places = places[places >= 0]
            self._gone += int((~self._gone_I[places]).sum())
            self._gone_I[places] = True
