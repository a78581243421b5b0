"""How the figures are measured that are more than one metric on all rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from alen.validation import probability
from alen.validation.intervals import NOT_APPLICABLE, Estimate
from alen.validation.sample import Sample

SHUFFLES = 200
SIMULATIONS = 1000


def answer_accuracy(sample: Sample) -> Estimate:
    """Declining is right where there is no answer, and only there."""
    return sample.rate(np.where(sample.answered, sample.right, sample.unanswerable))


def reasoning_accuracy(sample: Sample) -> Estimate:
    told = np.array([row.grounded is not None for row in sample.rows], dtype=bool) & ~sample.unanswerable
    return sample.rate(sample.column(lambda row: row.right and bool(row.grounded)), told)


def verifier_gain(sample: Sample) -> Estimate:
    def gain(answered: np.ndarray, right: np.ndarray) -> float:
        return float(right[answered].mean() - right.mean()) if answered.any() else math.nan

    return sample.measure(gain, sample.answered, sample.right)


def noise_floor(sample: Sample) -> Estimate:
    """``value`` is the mean, ``high`` the 95th percentile; there is no low."""
    mean, high = probability.ece_noise_floor(sample.probability, draws=SIMULATIONS)
    return Estimate(mean, math.nan, high, len(sample))


def certified_coverage(alpha: float) -> Callable[[Sample], Estimate]:
    def coverage(sample: Sample) -> Estimate:
        found = sample.certificate(alpha)
        if found is None:
            return NOT_APPLICABLE
        threshold = math.inf if found.threshold is None else found.threshold
        return sample.rate((sample.probability >= threshold).astype(float), sample.second_half)

    return coverage


def shuffled_auroc(sample: Sample) -> Estimate:
    """Mean over shuffles, and the range that 95 % of them fall in."""
    generator = np.random.default_rng(0)
    found = [probability.auroc(sample.probability, generator.permutation(sample.right)) for _ in range(SHUFFLES)]
    if not np.isfinite(found).all():
        return NOT_APPLICABLE
    low, high = np.quantile(found, (0.025, 0.975))
    return Estimate(float(np.mean(found)), float(low), float(high), len(sample))


def safe_first_person(sample: Sample) -> Estimate:
    safe, said = sample.safe, np.array([row.text is not None for row in sample.rows], dtype=bool)
    if safe is None:
        return NOT_APPLICABLE
    return sample.rate(sample.column(lambda row: row.text is None or safe(row.text)), said)


def of_probability(metric: Callable[..., float]) -> Callable[[Sample], Estimate]:
    return lambda sample: sample.measure(metric, sample.probability, sample.right)


def brier_part(name: str) -> Callable[[Sample], Estimate]:
    return of_probability(lambda p, y: float(getattr(probability.brier_parts(p, y), name)))


def milliseconds(share: float) -> Callable[[Sample], Estimate]:
    return lambda sample: sample.measure(
        lambda column: float(np.quantile(column, share)), sample.column(lambda row: row.milliseconds)
    )


def unanswerable_against_right(sample: Sample) -> Estimate:
    either = sample.unanswerable | sample.right.astype(bool)
    return sample.measure(probability.auroc, sample.probability, sample.right, among=either)
