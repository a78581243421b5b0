"""From energy to a probability one may rely on: Platt's map or an isotonic one, and Venn–Abers bounds around it.

Platt (1999), "Probabilistic outputs for support vector machines"; Vovk, Petej and Fedorova (2015), "Large-scale
probabilistic predictors with and without guarantees of validity": with exchangeable data one of p0, p1 is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from alen.core.venn_abers import VennAbers

MINIMUM = 50
"""Fewer labelled answers than this are not fitted: the map would be noise."""

ISOTONIC_FROM = 1000
"""With fewer labelled answers an isotonic map is not even tried: two numbers can be fitted to few, a staircase not."""

_FOLDS = 5

EDGE = 1e-4
"""No probability counts as nearer to 0 or 1: else one answer that was wrong for sure would outweigh all others."""


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


def log_losses(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Minus the log of the probability that was given to what turned out, one value per row: ``p`` (n,) that each
    answer is right, ``labels`` (n,) in {0, 1}."""
    p = np.clip(p, EDGE, 1 - EDGE)
    return -np.log(np.where(labels > 0, p, 1 - p))


@dataclass(frozen=True)
class Calibrator:
    """Maps log-odds (minus energy) to a probability and an interval.

    ``slope``/``intercept`` are Platt's; ``scores``/``labels`` the held-out answers they and the bounds rest on;
    ``steps`` are points (score, probability) of an isotonic map, which then counts instead of Platt's."""

    slope: float
    intercept: float
    scores: tuple[float, ...]
    labels: tuple[int, ...]
    steps: tuple[tuple[float, float], ...] = ()

    @classmethod
    def fit(cls, scores: np.ndarray, labels: np.ndarray) -> Calibrator:
        """``scores`` float (n,) log-odds of answers whose ``labels`` (n,) in {0, 1} were not used to make the scores.
        Platt's map, or from ``ISOTONIC_FROM`` answers on an isotonic one where that has the lower log-loss on answers
        that it was not fitted on."""
        platt = cls.platt(scores, labels)
        if len(scores) < ISOTONIC_FROM:
            return platt
        fold = np.random.default_rng(0).permutation(len(scores)) % _FOLDS
        loss = {cls.platt: 0.0, cls.isotonic: 0.0}
        for make in loss:
            for number in range(_FOLDS):
                fitted = make(scores[fold != number], labels[fold != number])
                p = fitted.probabilities(scores[fold == number])
                loss[make] += float(log_losses(p, labels[fold == number]).sum())
        return cls.isotonic(scores, labels) if loss[cls.isotonic] < loss[cls.platt] else platt

    @classmethod
    def isotonic(cls, scores: np.ndarray, labels: np.ndarray) -> Calibrator:
        """The non-decreasing map with the least squared error, joined by straight lines between the middles of its
        steps: equal probabilities for unequal scores would lose their order. Never nearer to 0 or 1 than one answer in
        n + 2."""
        platt = cls.platt(scores, labels)
        fitted, edge = isotonic(scores, labels.astype(float)), 1.0 / (len(scores) + 2)
        values, inverse = np.unique(fitted, return_inverse=True)
        middles = np.bincount(inverse, weights=scores) / np.bincount(inverse)
        steps = [(round(float(x), 4), float(np.clip(y, edge, 1 - edge))) for x, y in zip(middles, values, strict=True)]
        return replace(platt, steps=tuple(steps))

    @classmethod
    def platt(cls, scores: np.ndarray, labels: np.ndarray) -> Calibrator:
        """Targets are smoothed as Platt did, so that a separable sample cannot claim certainty."""
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
        if slope < 0.0:
            # More confident must never mean less likely: then the scores say nothing, and the rate is all there is.
            slope, intercept = 0.0, float(np.log(targets.mean() / (1 - targets.mean())))
        return cls(
            float(slope),
            float(intercept),
            tuple(round(float(score), 4) for score in scores),
            tuple(int(label) for label in labels),
        )

    def probability(self, score: float) -> float:
        """Calibrated probability of being right."""
        return float(self.probabilities(np.array([score]))[0])

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """As ``probability``, of many."""
        if self.steps:
            return np.interp(scores, [x for x, _ in self.steps], [y for _, y in self.steps])
        return sigmoid(self.slope * scores + self.intercept)

    def interval(self, score: float) -> tuple[float, float]:
        """Inductive Venn–Abers pair (p0, p1), widened where needed to contain ``probability``."""
        low, high = self._bounds.bounds(score)
        p = self.probability(score)
        return min(low, p), max(high, p)

    @cached_property
    def _bounds(self) -> VennAbers:
        return VennAbers(self.scores, self.labels)

    def to_json(self) -> dict[str, Any]:
        return {"slope": self.slope, "intercept": self.intercept, "scores": self.scores, "labels": self.labels} | (
            {"steps": self.steps} if self.steps else {}
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibrator:
        steps = tuple((x, y) for x, y in data.get("steps", ()))
        return cls(data["slope"], data["intercept"], tuple(data["scores"]), tuple(data["labels"]), steps)
