"""From energy to a probability one may rely on: Platt's map, and Venn–Abers bounds around it.

Platt (1999), "Probabilistic outputs for support vector machines"; Vovk, Petej and Fedorova (2015), "Large-scale
probabilistic predictors with and without guarantees of validity": with exchangeable data one of p0, p1 is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MINIMUM = 50
"""Fewer labelled answers than this are not fitted: the map would be noise."""


def isotonic(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Non-decreasing least-squares fit of labels on scores (pool adjacent violators), one value per input row.

    Equal scores get one value: they are pooled before the pass, so that their order cannot matter."""
    unique, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=labels, minlength=len(unique)) / counts
    blocks: list[tuple[float, float, int]] = []
    for mean, count in zip(means, counts, strict=True):
        value, weight, width = float(mean), float(count), 1
        while blocks and blocks[-1][0] >= value:
            last, last_weight, last_width = blocks.pop()
            value = (last * last_weight + value * weight) / (last_weight + weight)
            weight, width = weight + last_weight, width + last_width
        blocks.append((value, weight, width))
    return np.concatenate([np.full(width, value) for value, _, width in blocks])[inverse]


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))


@dataclass(frozen=True)
class Calibrator:
    """Maps log-odds (minus energy) to a probability and an interval.

    ``slope``/``intercept`` are Platt's; ``scores``/``labels`` the held-out answers they and the bounds rest on."""

    slope: float
    intercept: float
    scores: tuple[float, ...]
    labels: tuple[int, ...]

    @classmethod
    def fit(cls, scores: np.ndarray, labels: np.ndarray) -> Calibrator:
        """``scores`` float (n,) log-odds of answers whose ``labels`` (n,) in {0, 1} were not used to make the scores.

        Targets are smoothed as Platt did, so that a separable sample cannot claim certainty."""
        positives = float(labels.sum())
        negatives = float(len(labels) - positives)
        targets = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        slope, intercept = 1.0, 0.0
        for _ in range(100):  # Newton's method on two parameters
            p = sigmoid(slope * scores + intercept)
            gradient = np.array([((p - targets) * scores).sum() + 1e-3 * (slope - 1.0), (p - targets).sum()])
            w = np.maximum(p * (1 - p), 1e-9)
            cross = (w * scores).sum()
            hessian = np.array([[(w * scores**2).sum() + 1e-3, cross], [cross, w.sum() + 1e-9]])
            step = np.linalg.solve(hessian, gradient)
            slope, intercept = slope - step[0], intercept - step[1]
            if np.abs(step).max() < 1e-9:
                break
        return cls(
            float(max(slope, 0.0)),
            float(intercept),
            tuple(round(float(score), 4) for score in scores),
            tuple(int(label) for label in labels),
        )

    def probability(self, score: float) -> float:
        """Calibrated probability of being right."""
        return float(sigmoid(self.slope * score + self.intercept))

    def interval(self, score: float) -> tuple[float, float]:
        """Inductive Venn–Abers pair (p0, p1), widened where needed to contain ``probability``."""
        bounds = []
        scores, labels = np.array([*self.scores, score]), np.array([*self.labels, 0], dtype=float)
        for assumed in (0.0, 1.0):
            labels[-1] = assumed
            bounds.append(float(isotonic(scores, labels)[-1]))
        p = self.probability(score)
        return min(bounds[0], p), max(bounds[1], p)

    def to_json(self) -> dict[str, Any]:
        return {"slope": self.slope, "intercept": self.intercept, "scores": self.scores, "labels": self.labels}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibrator:
        return cls(data["slope"], data["intercept"], tuple(data["scores"]), tuple(data["labels"]))
