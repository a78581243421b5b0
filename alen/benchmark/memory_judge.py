"""How much of what should have been found was found, by exact cosines.

Axes: Q queries, N rows, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alen.benchmark.memory_data import ALIKE, TENANTS, K, Rows


class Judge:
    """Compares what was found with the truth about some rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.query_QD = rows.query_vectors()
        self._row_ND = np.load(rows.vectors, mmap_mode="r")
        self._owners = np.array(rows.owners())
        self._sizes = {name: int((self._owners == name).sum()) for name in TENANTS}

    def recall(self, found: Sequence[Sequence[int]], tenant: str | None) -> np.ndarray:
        """Share of each query's true neighbours among what was found for it."""
        last_Q = self._rows.last_scores(tenant)
        wanted = min(K, self.size(tenant))
        if not wanted:
            return np.ones(len(found))
        shares = []
        for place, ids in enumerate(found):
            own = [row for row in dict.fromkeys(ids) if row < self._rows.reached and self._is_of(row, tenant)][:wanted]
            scores = np.asarray(self._row_ND[own], dtype=np.float32) @ self.query_QD[place]
            shares.append(float((scores >= last_Q[place] - ALIKE).sum()) / wanted)
        return np.array(shares)

    def foreign(self, found: Sequence[Sequence[int]], tenant: str | None) -> int:
        """How many rows of others were shown to a tenant."""
        return sum(not self._is_of(row, tenant) for ids in found for row in ids)

    def size(self, tenant: str | None) -> int:
        return self._rows.reached if tenant is None else self._sizes[tenant]

    def _is_of(self, row: int, tenant: str | None) -> bool:
        return tenant is None or bool(self._owners[row] == tenant)
