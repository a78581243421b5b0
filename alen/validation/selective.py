"""Answering only when sure: risk against coverage, and what a threshold on the probability does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alen.validation.probability import checked


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What happens when everything below ``threshold`` is declined. ``precision`` is NaN when nothing is answered."""

    threshold: float
    coverage: float
    precision: float
    answered: int
    right: int

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "precision": self.precision if self.answered else None}


def risk_coverage(probabilities: ArrayLike, right: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(coverage, risk), both (n,): the k most confident answers and their share of wrong ones, k = 1..n.
    Equal probabilities share their mean label: the expectation over their random order."""
    p, y = checked(probabilities, right)
    _, inverse, counts = np.unique(-p, return_inverse=True, return_counts=True)
    wrong = np.repeat(1.0 - np.bincount(inverse, weights=y) / counts, counts)
    k = np.arange(1, p.size + 1)
    return k / p.size, np.cumsum(wrong) / k


def aurc(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Area under the risk-coverage curve: mean risk over all coverages, lower is better (Geifman et al., 2019)."""
    return float(risk_coverage(probabilities, right)[1].mean())


def excess_aurc(probabilities: ArrayLike, right: ArrayLike) -> float:
    """AURC above that of a perfect ranking with the same share of right answers."""
    return aurc(probabilities, right) - aurc(np.asarray(right, dtype=np.float64), right)


def rejection_ratio(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Share of the possible gain over random declining that this ranking makes: 1 perfect, 0 random (PRR, over all
    coverages). NaN when all answers are right or all are wrong."""
    _, y = checked(probabilities, right)
    random, perfect = 1.0 - float(y.mean()), aurc(y, y)
    return float("nan") if random == perfect else (random - aurc(probabilities, right)) / (random - perfect)


def at_threshold(probabilities: ArrayLike, right: ArrayLike, threshold: float) -> AtThreshold:
    """Answers with a probability of at least ``threshold``."""
    p, y = checked(probabilities, right)
    answered = p >= threshold
    count, good = int(answered.sum()), int(y[answered].sum())
    return AtThreshold(threshold, count / p.size, good / count if count else float("nan"), count, good)
