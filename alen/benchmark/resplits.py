"""Whether a certificate keeps its word: drawn anew many times from questions of which everything is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alen.core.abstention import certify

RESPLITS = 500


@dataclass(frozen=True)
class Gate:
    """``broken`` of ``resplits`` certificates let through more wrong answers than ``alpha``; ``certified`` of them
    had a threshold at all. ``allowed`` is what may break by chance."""

    alpha: float
    resplits: int
    certified: int
    broken: int
    delta: float

    @property
    def allowed(self) -> float:
        """The share delta, and three standard errors of counting it."""
        return self.delta + 3 * float(np.sqrt(self.delta * (1 - self.delta) / self.resplits))

    @property
    def share(self) -> float:
        return self.broken / self.resplits


def gate(
    p: np.ndarray,
    right: np.ndarray,
    groups: Sequence[str],
    alpha: float,
    *,
    delta: float = 0.05,
    resplits: int = RESPLITS,
    seed: int = 0,
) -> Gate:
    """``p`` and ``right`` (T,) of questions that stand for all there are. Each time half as many groups are drawn
    with replacement, one line of each certifies, and what it lets through is counted over everything."""
    generator = np.random.default_rng(seed)
    _, place_T = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(place_T == group) for group in range(place_T.max() + 1)]
    weight_T = 1.0 / np.array([len(row) for row in rows])[place_T]
    certified = broken = 0
    for _ in range(resplits):
        drawn = generator.integers(0, len(rows), max(len(rows) // 2, 1))
        lines = np.array([generator.choice(rows[group]) for group in drawn])
        threshold = certify(p[lines], right[lines], alpha, delta).threshold
        if threshold is None:
            continue
        certified += 1
        through = p >= threshold
        wrong = float((weight_T * (1 - right))[through].sum() / weight_T[through].sum()) if through.any() else 0.0
        broken += wrong > alpha
    return Gate(alpha, resplits, certified, broken, delta)
