"""ALEN's probability that a frozen reply is right: fitted on one part of the questions, calibrated on another,
certified on a third, and measured on the fourth; in the set it was fitted on, and on a set it has not seen.

Axes: L lines of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.benchmark import estimating
from alen.benchmark.comparison import calibrated
from alen.benchmark.splits import SplitName, merged_groups, splits
from alen.core import safeguard
from alen.core.abstention import certify
from alen.core.fitting import FOLDS, unit
from alen.types import Check, Encoder

Checks = Sequence[Sequence[Check]]


@dataclass(frozen=True)
class Prepared:
    """A set with the checks of its lines, in parts."""

    name: str
    lines: Sequence[Mapping[str, Any]]
    checks: Checks
    right_L: np.ndarray
    groups: Sequence[str]
    part_L: np.ndarray

    def of(self, *parts: SplitName) -> np.ndarray:
        return np.flatnonzero(np.isin(self.part_L, parts))

    def without(self, names: frozenset[str]) -> Prepared:
        """As if these checks did not exist."""
        kept = [[check for check in found if check.name not in names] for found in self.checks]
        return Prepared(self.name, self.lines, kept, self.right_L, self.groups, self.part_L)


@dataclass(frozen=True)
class Judged:
    """``scores`` (L,) are log-odds of every line, ``p`` (L,) calibrated probabilities; ``single`` names the one check
    that the safeguard took instead of the sum."""

    scores: np.ndarray
    p: np.ndarray
    single: str | None


def prepare(name: str, lines: Sequence[Mapping[str, Any]], encoder: Encoder, salt: str = "alen-1") -> Prepared:
    """Split a set and look at its lines; what was right near a question is told from the fit part alone."""
    part_L = np.array(splits(lines, salt))
    fit = np.flatnonzero(part_L == "fit").tolist()
    checks = estimating.with_record(lines, estimating.looks(lines), fit, encoder)
    right_L = np.array([int(line["is_right"]) for line in lines])
    return Prepared(name, lines, checks, right_L, merged_groups(lines), part_L)


def within(one: Prepared) -> Judged:
    """Fitted on the set's own fit part, calibrated on its own calibration part."""
    fit = one.of("fit")
    folds = [str(int(unit(one.groups[place]) * FOLDS)) for place in fit]
    chosen = safeguard.choose([one.checks[place] for place in fit], one.right_L[fit], folds, _names([one]))
    return _judged(one, chosen, [one])


def across(one: Prepared, others: Sequence[Prepared]) -> Judged:
    """Fitted and calibrated on the other sets alone, each of which is left out once to choose by."""
    rows, labels, parts = [], [], []
    for other in others:
        for place in other.of("fit"):
            rows.append(other.checks[place])
            labels.append(int(other.right_L[place]))
            parts.append(other.name)
    chosen = safeguard.choose(rows, np.array(labels), parts, _names(others))
    return _judged(one, chosen, others)


def certified_coverage(one: Prepared, p: np.ndarray, alpha: float) -> tuple[float, float]:
    """The share of the test part that is answered when its errors are certified on the risk part, and the share of
    these that is wrong; both 0 without a certificate."""
    risk, test = one.of("risk"), one.of("test")
    threshold = certify(p[risk], one.right_L[risk], alpha).threshold
    if threshold is None:
        return 0.0, 0.0
    answered = test[p[test] >= threshold]
    wrong = float(1 - one.right_L[answered].mean()) if len(answered) else 0.0
    return len(answered) / max(len(test), 1), wrong


def by_hand(one: Prepared, weights: Mapping[str, float]) -> np.ndarray:
    """A sum of checks with weights that nobody fitted, each standardised over the lines; (L,)."""
    total = np.zeros(len(one.checks))
    for name, weight in weights.items():
        values = np.array([_value(found, name) for found in one.checks])
        spread = np.nanstd(values)
        if np.isfinite(spread) and spread > 0:
            total += weight * np.nan_to_num((values - np.nanmean(values)) / spread)
    return total


def ablated(one: Prepared, metric: Callable[[np.ndarray, np.ndarray], float]) -> dict[str, float]:
    """By check, how much the metric on the test part falls when the check is left out and everything fitted anew."""
    test = one.of("test")
    whole = metric(within(one).p[test], one.right_L[test])
    names = [*_names([one])]
    groups = {name: frozenset({name}) for name in names} | {"all independent ones": estimating.INDEPENDENT}
    return {name: whole - metric(within(one.without(left)).p[test], one.right_L[test]) for name, left in groups.items()}


def shuffled(one: Prepared, seed: int = 0) -> Prepared:
    """The set with its labels in another order: nothing can be learned from it."""
    order = np.random.default_rng(seed).permutation(len(one.right_L))
    return Prepared(one.name, one.lines, one.checks, one.right_L[order], one.groups, one.part_L)


def _judged(one: Prepared, chosen: safeguard.Chosen, sources: Sequence[Prepared]) -> Judged:
    scores = np.array([-chosen.energy.of(found) for found in one.checks])
    known = [
        (-chosen.energy.of(source.checks[place]), int(source.right_L[place]))
        for source in sources
        for place in source.of("calibration")
    ]
    p = calibrated(np.array([score for score, _ in known]), np.array([label for _, label in known]), scores)
    return Judged(scores, p, chosen.single)


def _names(sets: Sequence[Prepared]) -> list[str]:
    return list(dict.fromkeys(check.name for one in sets for found in one.checks for check in found))


def _value(found: Sequence[Check], name: str) -> float:
    return next((check.value for check in found if check.name == name and check.value is not None), np.nan)
