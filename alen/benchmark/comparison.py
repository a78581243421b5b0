"""Who ranks right above wrong better, over many sets: paired differences resampled by group, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alen.core.calibration import Calibrator
from alen.validation.intervals import DRAWS, LEVEL, Estimate
from alen.validation.probability import auroc, log_loss

Metric = Callable[[ArrayLike, ArrayLike], float]


@dataclass(frozen=True, slots=True)
class Scored:
    """One set as a comparison sees it: labels and groups, and each estimator's number for every question.

    ``turns`` tells in which turn a question was tested. What was fitted anew in every turn has numbers that mean
    something else in each, so a metric is taken turn by turn, and their mean counts."""

    right: np.ndarray
    groups: Sequence[str]
    scores: Mapping[str, np.ndarray]
    turns: np.ndarray | None = None

    def measured(self, metric: Metric, name: str, rows: np.ndarray | None = None) -> float:
        """The metric of an estimator, over all questions or the ``rows`` alone."""
        scores, right, turns = self.scores[name], self.right, self.turns
        if rows is not None:
            scores, right, turns = scores[rows], right[rows], None if turns is None else turns[rows]
        if turns is None:
            return metric(scores, right)
        values, counts = [], []
        for turn in np.unique(turns):
            here = turns == turn
            value = metric(scores[here], right[here])
            if math.isfinite(value):
                values.append(value)
                counts.append(int(here.sum()))
        return float(np.average(values, weights=counts)) if values else math.nan

    def drawn(self, metric: Metric, name: str, weight_DN: np.ndarray) -> np.ndarray:
        """(D,) the metric of each draw, which holds every question as often as ``weight_DN`` says."""
        of_draws = OF_DRAWS.get(metric)
        if of_draws is None:
            rows = np.arange(len(self.right))
            return np.array([self.measured(metric, name, np.repeat(rows, weight_N)) for weight_N in weight_DN])
        turns = np.zeros(len(self.right)) if self.turns is None else self.turns
        total_D, count_D = np.zeros(len(weight_DN)), np.zeros(len(weight_DN))
        for turn in np.unique(turns):
            here = turns == turn
            value_D = of_draws(self.scores[name][here], self.right[here], weight_DN[:, here])
            size_D = np.where(np.isfinite(value_D), weight_DN[:, here].sum(1), 0)
            total_D += np.where(size_D > 0, value_D, 0.0) * size_D
            count_D += size_D
        with np.errstate(invalid="ignore"):
            return np.asarray(total_D / count_D)


@dataclass(frozen=True, slots=True)
class Difference:
    """``value`` is the first's metric minus the second's; ``p`` two-sided, from the same draws as the interval."""

    estimate: Estimate
    p: float

    def to_json(self) -> dict[str, Any]:
        return self.estimate.to_json() | {"p": self.p}


def difference(
    metric: Metric, one: Sequence[Scored], first: str, second: str, *, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The mean over sets of ``metric(first) - metric(second)``. In each draw every set's groups are drawn with
    replacement, the same for both (Efron and Tibshirani, 1993)."""
    return differences(metric, one, first, (second,), draws=draws, seed=seed)[second]


def differences(
    metric: Metric, one: Sequence[Scored], first: str, others: Sequence[str], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Difference]:
    """``difference`` to each of the others, from the same draws."""
    drawn = macro_draws(metric, one, (first, *others), draws=draws, seed=seed)
    return {second: _difference(metric, one, first, second, drawn[first] - drawn[second]) for second in others}


def _difference(metric: Metric, one: Sequence[Scored], first: str, second: str, gaps: np.ndarray) -> Difference:
    value = float(np.mean([s.measured(metric, first) - s.measured(metric, second) for s in one]))
    gaps = gaps[np.isfinite(gaps)]
    low, high = np.quantile(gaps, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    tail = min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(gaps) + 1))
    return Difference(Estimate(value, float(low), float(high), sum(len(s.right) for s in one)), p)


def macro(metric: Metric, one: Sequence[Scored], name: str, *, draws: int = DRAWS, seed: int = 0) -> Estimate:
    """The mean of a metric over sets, each counting alike, with its interval."""
    found = macro_draws(metric, one, (name,), draws=draws, seed=seed)[name]
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = float(np.mean([s.measured(metric, name) for s in one]))
    return Estimate(value, float(low), float(high), sum(len(s.right) for s in one))


def macro_draws(
    metric: Metric, one: Sequence[Scored], names: Sequence[str], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, np.ndarray]:
    """By estimator the macro mean of every draw; all estimators see the same draws."""
    generator = np.random.default_rng(seed)
    totals = {name: np.zeros(draws) for name in names}
    for scored in one:
        _, place_N = np.unique(scored.groups, return_inverse=True)
        count = int(place_N.max()) + 1
        taken_DG = generator.integers(0, count, (draws, count))
        often_DG = np.stack([np.bincount(taken_G, minlength=count) for taken_G in taken_DG])
        for name in names:
            totals[name] += scored.drawn(metric, name, often_DG[:, place_N])
    return {name: total / len(one) for name, total in totals.items()}


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values (Holm, 1979): below a level, the hypothesis is rejected with all others' error kept too."""
    adjusted, least = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = least
    return adjusted


def best_average(one: Sequence[Scored], names: Sequence[str], metric: Metric = auroc) -> str:
    """The estimator with the highest mean over all sets."""
    return max(names, key=lambda name: float(np.mean([s.measured(metric, name) for s in one])))


def calibrated(scores: np.ndarray, right: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Probabilities for the ``wanted`` scores by the map that ALEN fits, on ``scores`` and their labels."""
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    return Calibrator.fit((scores - centre) / spread, right).probabilities((wanted - centre) / spread)


def _auroc_of_draws(scores: np.ndarray, right: np.ndarray, weight_DN: np.ndarray) -> np.ndarray:
    """(D,) ``auroc`` where each row counts as often as its weight says; NaN where only one label was drawn."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    right_DK = np.add.reduceat(weight_DN[:, order] * right[order], starts, axis=1)
    wrong_DK = np.add.reduceat(weight_DN[:, order] * (1 - right[order]), starts, axis=1)
    below_DK = np.cumsum(wrong_DK, axis=1) - wrong_DK / 2
    with np.errstate(invalid="ignore"):
        return np.asarray((right_DK * below_DK).sum(1) / (right_DK.sum(1) * wrong_DK.sum(1)))


def _log_loss_of_draws(p: np.ndarray, right: np.ndarray, weight_DN: np.ndarray) -> np.ndarray:
    each_N = np.array([log_loss(p[row : row + 1], right[row : row + 1]) for row in range(len(p))])
    with np.errstate(invalid="ignore"):
        return np.asarray(weight_DN @ each_N / weight_DN.sum(1))


OF_DRAWS: dict[Metric, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    auroc: _auroc_of_draws,
    log_loss: _log_loss_of_draws,
}
"""Metrics that are known of all draws at once: those that are asked for many estimators."""
