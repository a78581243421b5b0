"""ALEN's probability that a frozen reply is right: fitted on one part of the questions, calibrated on another,
certified on a third, and measured on the fourth; in the set it was fitted on, and on a set it has not seen.

Axes: L lines of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from alen.benchmark import estimating
from alen.benchmark.comparison import calibrated
from alen.benchmark.splits import SALT, TURNS, SplitName, merged_groups, splits
from alen.core import safeguard
from alen.core.abstention import certify
from alen.core.energy import Energy
from alen.core.fitting import one_of_each
from alen.core.weights import usual_weights
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
        return replace(self, checks=kept)


@dataclass(frozen=True)
class Judged:
    """``scores`` (L,) are log-odds of every line, ``p`` (L,) calibrated probabilities; ``single`` names the one check
    that the safeguard took instead of the sum."""

    scores: np.ndarray
    p: np.ndarray
    single: str | None


@dataclass(frozen=True)
class Looked:
    """A set whose lines were looked at, before any of it was graded: ``checks`` without those of the record."""

    name: str
    lines: Sequence[Mapping[str, Any]]
    checks: Checks
    vectors_LD: np.ndarray
    encoder: Encoder

    @classmethod
    def at(cls, name: str, lines: Sequence[Mapping[str, Any]], encoder: Encoder) -> Looked:
        vectors_LD = encoder.encode([estimating.asked(line) for line in lines])
        return cls(name, lines, estimating.looks(lines, encoder), vectors_LD, encoder)

    @cached_property
    def turns(self) -> tuple[Prepared, ...]:
        """The set as often as it takes for every group to be in the test part once."""
        return tuple(self._turn(turn) for turn in range(TURNS))

    @cached_property
    def _groups(self) -> list[str]:
        return merged_groups(self.lines)

    def _turn(self, turn: int) -> Prepared:
        """The set in parts; what was right near a question is told from the fit part alone."""
        part_L = np.array(splits(self.lines, SALT, turn))
        fit = np.flatnonzero(part_L == "fit").tolist()
        checks = estimating.with_record(self.lines, self.checks, fit, self.vectors_LD, self._groups)
        right_L = np.array([int(line["is_right"]) for line in self.lines])
        return Prepared(self.name, self.lines, checks, right_L, self._groups, part_L)


def within(one: Prepared, usual: Mapping[str, float] | None = None) -> Judged:
    """Fitted on the set's own fit part, where little was graded not far from the ``usual`` weights; calibrated on its
    own calibration part."""
    rows, labels = _graded(one)
    energy = Energy.fit(rows, labels, names=names_of([one]), usual=usual)
    scores = np.array([-energy.of(found) for found in one.checks])
    return Judged(scores, of_scores(scores)(one), None)


def usual(others: Sequence[Prepared]) -> dict[str, float]:
    """By check, the weight that the fit parts of other sets have in common."""
    return usual_weights([_graded(other) for other in others], names_of(others)) if others else {}


def _graded(one: Prepared) -> tuple[Checks, np.ndarray]:
    fit = one.of("fit")
    return [one.checks[place] for place in fit], one.right_L[fit]


def across(one: Prepared, others: Sequence[Prepared]) -> Judged:
    """Fitted on the other sets alone, and calibrated on what each of them is given by the rest, as ``alen calibrate``
    does with several data sets. Nobody has graded answers of a set that is new, so that the record has no say."""
    one, others = one.without(estimating.RECORD), [other.without(estimating.RECORD) for other in others]
    graded = [(other, place) for other in others for place in other.of("fit", "calibration").tolist()]
    rows, labels = [other.checks[place] for other, place in graded], [other.right_L[place] for other, place in graded]
    parts = [other.name for other, _ in graded]
    chosen = safeguard.choose(rows, np.array(labels), parts, names_of(others))
    scores = np.array([-chosen.energy.of(found) for found in one.checks])
    return Judged(scores, calibrated(chosen.scores, np.array(labels), scores), chosen.single)


def in_turns(turns: Sequence[Prepared], judge: Callable[[Prepared], np.ndarray]) -> np.ndarray:
    """(L,) what each line was given in the first turn in which it was in the test part; NaN where it never is."""
    return gathered(turns, map(judge, turns))


def gathered(turns: Sequence[Prepared], values: Iterable[np.ndarray]) -> np.ndarray:
    """As ``in_turns``, from what all lines (L,) were given in each turn."""
    found_L = np.full(len(turns[0].right_L), np.nan)
    for one, given_L in zip(turns, values, strict=True):
        test = one.of("test")
        test = test[np.isnan(found_L[test])]
        found_L[test] = given_L[test]
    return found_L


def turn_of(turns: Sequence[Prepared]) -> np.ndarray:
    """(L,) the turn in which each line is tested; NaN where it never is."""
    return gathered(turns, [np.full(len(one.right_L), float(number)) for number, one in enumerate(turns)])


def of_scores(scores_L: np.ndarray) -> Callable[[Prepared], np.ndarray]:
    """A judge that knows nothing but these scores, and the calibration part."""

    def judge(one: Prepared) -> np.ndarray:
        known = one.of("calibration")
        return calibrated(scores_L[known], one.right_L[known], scores_L)

    return judge


def answered(one: Prepared, p_L: np.ndarray, alpha: float) -> np.ndarray:
    """(L,) 1 where a line is answered when errors are certified on the risk part, on one line of each group; 0 where it
    is not."""
    risk = one_of_each(one.of("risk").tolist(), one.groups)
    threshold = certify(p_L[risk], one.right_L[risk], alpha).threshold
    return np.zeros(len(p_L)) if threshold is None else (p_L >= threshold).astype(float)


def names_of(sets: Sequence[Prepared]) -> list[str]:
    return list(dict.fromkeys(check.name for one in sets for found in one.checks for check in found))
