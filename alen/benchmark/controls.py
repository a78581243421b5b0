"""What shows that a figure rests on what it claims to rest on: checks left out, weights that nobody fitted, labels and
replies that belong to other questions.

Axes: L lines of a set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alen.benchmark import estimating
from alen.benchmark.comparison import Metric, Scored
from alen.benchmark.tasks.graders import grade
from alen.benchmark.tasks.item import Item
from alen.benchmark.verification import Looked, Prepared, gathered, names_of, turn_of, within
from alen.core.calibration import log_losses, sigmoid
from alen.core.energy import Energy
from alen.types import Check

SHUFFLES = 20
"""On a hundred lines the AUROC of a single shuffle lies a tenth off by chance."""
SEED_WEIGHTS = {"verbatim": 1.0, "votes": 0.5, "likelihood": 0.3}
"""Support, agreement and confidence, with the weights that were first proposed."""


def by_hand(one: Prepared, weights: Mapping[str, float]) -> np.ndarray:
    """A sum of checks with weights that nobody fitted, each standardised over the lines; (L,)."""
    total = np.zeros(len(one.checks))
    for name, weight in weights.items():
        values = np.array([_value(found, name) for found in one.checks])
        seen = values[np.isfinite(values)]
        if seen.size and seen.std() > 0:
            total += weight * np.nan_to_num((values - seen.mean()) / seen.std())
    return total


def ablated(turns: Sequence[Prepared], usual: Sequence[Mapping[str, float]], metric: Metric) -> dict[str, float]:
    """By check, how much the metric falls when the check is left out and everything fitted anew. ``usual`` as for
    ``within``, for each turn."""

    def left(without: frozenset[str]) -> float:
        judged = [within(one.without(without), told) for one, told in zip(turns, usual, strict=True)]
        return measured(metric, turns, gathered(turns, [each.scores for each in judged]))

    groups = {name: frozenset({name}) for name in names_of(turns[:1])}
    groups["all of the record"] = estimating.RECORD
    groups["all independent ones"] = estimating.INDEPENDENT
    whole = left(frozenset())
    return {name: whole - left(names) for name, names in groups.items()}


def of_best_check(turns: Sequence[Prepared], metric: Metric) -> float:
    """The metric of the energy of a single check, in each turn the one with the least log-loss on the fit part."""
    return measured(metric, turns, gathered(turns, [_best_check(one) for one in turns]))


def _best_check(one: Prepared) -> np.ndarray:
    fit = one.of("fit").tolist()
    rows, labels = [one.checks[place] for place in fit], one.right_L[fit]
    alone = [Energy.fit(rows, labels, names=[name]) for name in names_of([one])]
    best = min(alone, key=lambda energy: log_losses(sigmoid(-np.array([*map(energy.of, rows)])), labels).mean())
    return -np.array([best.of(found) for found in one.checks])


def shuffled(one: Prepared, seed: int = 0) -> Prepared:
    """The set with its labels in another order: nothing can be learned from it."""
    order = np.random.default_rng(seed).permutation(len(one.right_L))
    return replace(one, right_L=one.right_L[order])


def learned_from_nothing(turns: Sequence[Prepared], metric: Metric, shuffles: int = SHUFFLES) -> float:
    """The mean over shuffles of what the metric is when labels are in another order."""
    found = []
    for seed in range(shuffles):
        nothing = [shuffled(one, seed) for one in turns]
        found.append(measured(metric, nothing, gathered(nothing, [within(one).scores for one in nothing])))
    return float(np.mean(found))


def swapped(one: Looked, turn: int, seed: int = 0) -> Prepared:
    """A turn of the set, and its test lines once more with the reply to another question in place of their own, graded
    anew; all that the model said of its own reply stays. The second half is for measuring alone."""
    order = np.random.default_rng(seed).permutation(len(one.lines))
    others = [_with_reply(line, one.lines[other]) for line, other in zip(one.lines, order, strict=True)]
    own = one.turns[turn]
    fit = own.of("fit").tolist()
    looked = estimating.looks(others, one.encoder)
    groups, lines = [*own.groups, *own.groups], [*one.lines, *others]
    vectors_LD = np.tile(one.vectors_LD, (2, 1))
    checks = estimating.with_record(lines, [*one.checks, *looked], fit, vectors_LD, groups)
    right_L = np.concatenate([own.right_L, [int(line["is_right"]) for line in others]])
    part_L = np.concatenate([own.part_L, np.where(own.part_L == "test", "test", "none")])
    return Prepared(one.name, lines, checks, right_L, groups, part_L)


def measured(metric: Metric, turns: Sequence[Prepared], scores_L: np.ndarray) -> float:
    """Turn by turn, of the lines that were tested."""
    turn_L = turn_of(turns)
    tested = np.isfinite(turn_L)
    one = Scored(turns[0].right_L[tested], (), {"": scores_L[tested]}, turn_L[tested])
    return one.measured(metric, "")


def _with_reply(line: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    text = other["greedy"]["text"]
    item = Item.from_json({name: line[name] for name in Item.__dataclass_fields__})
    return {**line, "greedy": {**line["greedy"], "text": text}, "is_right": grade(text, item)}


def _value(found: Sequence[Check], name: str) -> float:
    return next((check.value for check in found if check.name == name and check.value is not None), np.nan)
