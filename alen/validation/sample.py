"""Graded questions as columns, and how a figure is measured on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from alen.core.abstention import Certificate, certify, fewest
from alen.core.fitting import one_of_each
from alen.validation.graded import Graded
from alen.validation.intervals import NOT_APPLICABLE, Estimate, bootstrap, rate_estimate

DRAWS = 1000
DELTA = 0.05
"""How often a certificate may be wrong about its error rate, over draws of the labelled questions."""

Safe = Callable[[str], bool]


class Sample:
    """Columns of n graded questions; rows of one group (the passage they are about, or the question alone) are drawn
    together. ``safe`` judges a text that ALEN said."""

    def __init__(self, rows: Sequence[Graded], safe: Safe | None = None) -> None:
        self.rows = list(rows)
        self.safe = safe
        self.groups = [row.group for row in rows]
        self.probability = self.column(lambda row: row.confidence)
        self.right = self.column(lambda row: row.right)
        self.answered = self.column(lambda row: row.answered).astype(bool)
        self.unanswerable = self.column(lambda row: row.unanswerable).astype(bool)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, value: Callable[[Graded], float]) -> np.ndarray:
        return np.array([float(value(row)) for row in self.rows])

    def rate(self, values: np.ndarray, among: np.ndarray | None = None) -> Estimate:
        """Share of ones, over the rows of the mask ``among`` only."""
        kept, groups = self._kept(among)
        return rate_estimate(values[kept], groups)

    def measure(self, metric: Callable[..., float], *columns: np.ndarray, among: np.ndarray | None = None) -> Estimate:
        """``metric(*columns)`` with its bootstrap interval by group; not applicable where the metric does not exist."""
        kept, groups = self._kept(among)
        if not kept.size:
            return NOT_APPLICABLE
        parts = [column[kept] for column in columns]
        value = metric(*parts)
        if not np.isfinite(value):
            return NOT_APPLICABLE
        if len(set(groups)) == 1:  # drawn again it would always be the same, which is not to know it exactly
            return Estimate(float(value), np.nan, np.nan, int(kept.size))
        return bootstrap(metric, *parts, groups=groups, draws=DRAWS)

    @cached_property
    def second_half(self) -> np.ndarray:
        """A mask over whole groups: thresholds are chosen on the other half."""
        first = [hashlib.sha256(f"certify {group}".encode("utf-8", "replace")).digest()[0] % 2 for group in self.groups]
        return np.array(first, dtype=bool)

    def certificate(self, alpha: float) -> Certificate | None:
        """What the first half certifies for an error of ``alpha`` by one question of each group; None when it has too
        few groups to certify anything even without a single error."""
        first = one_of_each(np.flatnonzero(~self.second_half).tolist(), self.groups)
        if len(first) < fewest(alpha, DELTA) or not self.second_half.any():
            return None
        return certify(self.probability[first], self.right[first], alpha, DELTA)

    def _kept(self, among: np.ndarray | None) -> tuple[np.ndarray, list[str]]:
        kept = np.arange(len(self)) if among is None else np.flatnonzero(among)
        return kept, [self.groups[place] for place in kept]
