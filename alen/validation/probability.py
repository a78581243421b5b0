"""Probabilities against what happened: AUROC, calibration error, Brier score and log-loss."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alen.core.calibration import isotonic

BINS = 15
CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of a reliability diagram: ``count`` predictions between ``low`` and ``high``."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def checked(scores: ArrayLike, right: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 (n,). Raises ValueError when empty, of unequal length, not finite, or labels are not 0 or 1."""
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if s.ndim != 1 or s.shape != y.shape or s.size == 0:
        raise ValueError(f"scores and labels must be two equally long lists, found shapes {s.shape} and {y.shape}")
    if not np.isfinite(s).all() or not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("scores must be finite and labels 0 or 1")
    return s, y


def auroc(scores: ArrayLike, right: ArrayLike) -> float:
    """Chance that a right answer scores above a wrong one, a tie counting half: the Mann-Whitney statistic, exact.
    NaN when all labels are the same."""
    s, y = checked(scores, right)
    positives = y.sum()
    negatives = y.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability_bins(probabilities: ArrayLike, right: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Bins of equal mass by rising probability. Equal probabilities share their mean label, so that the order of the
    rows does not matter when a tie falls across an edge."""
    p, y = _sorted_with_shared_ties(*checked(probabilities, right))
    return [
        Bin(float(part_p[0]), float(part_p[-1]), float(part_p.mean()), float(part_y.mean()), int(part_p.size))
        for part_p, part_y in zip(np.array_split(p, bins), np.array_split(y, bins), strict=True)
        if part_p.size
    ]


def ece(probabilities: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over bins of equal mass."""
    p, y = _sorted_with_shared_ties(*checked(probabilities, right))
    return float(np.abs(_bin_sums(y - p, bins)).sum() / p.size)


def ece_noise_floor(
    probabilities: ArrayLike, bins: int = BINS, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """ECE that perfectly calibrated probabilities would show at this n, by simulation: (mean, 95th percentile)."""
    p = np.sort(np.asarray(probabilities, dtype=np.float64))
    generator = np.random.default_rng(seed)
    simulated = [ece(p, (generator.random(p.size) < p).astype(np.float64), bins) for _ in range(draws)]
    return float(np.mean(simulated)), float(np.quantile(simulated, 0.95))


def debiased_ece(probabilities: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """ECE less what chance adds to it: twice the ECE minus its mean when every bin's accuracy is drawn anew from a
    normal law around what was seen (Kumar, Liang and Ma, 2019), in closed form; 0 at least."""
    found = reliability_bins(probabilities, right, bins)
    again = 0.0
    for part in found:
        gap = part.confidence - part.accuracy
        deviation = math.sqrt(part.accuracy * (1 - part.accuracy) / part.count)
        again += part.count * _folded_mean(gap, deviation)
    total = sum(part.count for part in found)
    plain = sum(part.count * abs(part.confidence - part.accuracy) for part in found)
    return max(0.0, (2 * plain - again) / total)


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty, exactly."""

    reliability: float
    resolution: float
    uncertainty: float


def brier_parts(probabilities: ArrayLike, right: ArrayLike) -> BrierParts:
    """What the Brier score is made of: what a better map of the same ranking would save (reliability), what the ranking
    gains over the constant base rate (resolution), and the score of that constant (uncertainty).

    The better map is the isotonic fit to these very rows (Dimitriadis, Gneiting and Jordan, 2021), so that no bins have
    to be chosen."""
    p, y = checked(probabilities, right)
    best, constant = brier(isotonic(p, y), y), float(y.mean() * (1 - y.mean()))
    return BrierParts(brier(p, y) - best, constant - best, constant)


def brier(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Mean squared error of the probabilities."""
    p, y = checked(probabilities, right)
    return float(np.mean((p - y) ** 2))


def log_loss(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Mean negative log-likelihood in nats, probabilities clipped to ``CLIP``..1-``CLIP``."""
    p, y = checked(probabilities, right)
    p = np.clip(p, CLIP, 1.0 - CLIP)
    return float(-np.mean(y * np.log(p) + (1.0 - y) * np.log1p(-p)))


def base_rate_log_loss(right: ArrayLike) -> float:
    """Log-loss of the best constant: the share of right answers in these very rows, the hardest constant to beat."""
    y = np.asarray(right, dtype=np.float64)
    return log_loss(np.full(y.size, y.mean()), y)


def log_loss_gain(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Nats a question by which the probabilities beat the constant base rate; above zero is better than it."""
    return base_rate_log_loss(right) - log_loss(probabilities, right)


def _folded_mean(mean: float, deviation: float) -> float:
    """Mean of the absolute value of a normal variable."""
    if not deviation:
        return abs(mean)
    density = math.sqrt(2 / math.pi) * math.exp(-(mean**2) / (2 * deviation**2))
    return deviation * density + mean * (1 - 2 * NormalDist().cdf(-mean / deviation))


def _sorted_with_shared_ties(p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    mean_label = np.bincount(inverse, weights=y) / counts
    return np.repeat(values, counts), np.repeat(mean_label, counts)


def _bin_sums(values: np.ndarray, bins: int) -> np.ndarray:
    """Sums over the same bins as np.array_split, which gives the first ones one more."""
    sizes = np.full(bins, values.size // bins)
    sizes[: values.size % bins] += 1
    edges = np.concatenate([[0], np.cumsum(sizes)])
    totals = np.concatenate([[0.0], np.cumsum(values)])
    return totals[edges[1:]] - totals[edges[:-1]]
