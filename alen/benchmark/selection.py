"""Which of several replies to say: the most votes, or the least energy; both from the same replies and their tokens.

Numbers only. The logical operator works out what a model writes as an equation: the model may know what to compute and
yet miscompute it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from alen.benchmark.tasks.graders import number_in
from alen.benchmark.verification import Prepared
from alen.core import checks as look
from alen.core.derivation import worked_out
from alen.core.energy import Energy
from alen.core.operators import compute
from alen.core.situation import Situation
from alen.thought import ThoughtState
from alen.types import Check, Recollection

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Choices:
    """What may be said to one question: distinct numbers, their checks, and whether each is right."""

    numbers: tuple[Fraction, ...]
    checks: tuple[tuple[Check, ...], ...]
    right: tuple[bool, ...]


def choices(line: Line) -> Choices:
    """All numbers that the replies come to, by their own word or when what they wrote is worked out."""
    replies = [line["greedy"], *line["samples"]]
    said = [number_in(reply["text"]) for reply in replies]
    worked = [number_in(found.result) if (found := worked_out(reply["text"])) else None for reply in replies]
    derived = _derived(line)
    numbers = tuple(dict.fromkeys(number for number in (*said, *worked, derived) if number is not None))
    return Choices(
        numbers,
        tuple(_looked_at(number, replies, said, worked, derived) for number in numbers),
        tuple(number in _golds(line) for number in numbers),
    )


def by_votes(line: Line) -> bool:
    """Whether the number that most replies end with is right; of equals, the one that came first (Wang et al., 2023,
    "Self-consistency improves chain of thought reasoning in language models")."""
    said = [number_in(reply["text"]) for reply in (line["greedy"], *line["samples"])]
    votes = Counter(number for number in said if number is not None)
    return bool(votes) and max(votes, key=lambda number: votes[number]) in _golds(line)


def by_energy(one: Prepared, found: Sequence[Choices], without: frozenset[str] = frozenset()) -> np.ndarray:
    """(L,) whether the number of least energy is right, by weights fitted on the fit part."""
    kept = [[_without(row, without) for row in each.checks] for each in found]
    fit = one.of("fit")
    rows = [row for place in fit for row in kept[place]]
    labels = np.array([int(right) for place in fit for right in found[place].right])
    names = list(dict.fromkeys(check.name for row in rows for check in row))
    energy = Energy.fit(rows, labels, names=names)
    chosen = np.zeros(len(found))
    for place, each in enumerate(found):
        if each.numbers:
            least = min(range(len(each.numbers)), key=lambda choice: energy.of(kept[place][choice]))
            chosen[place] = float(each.right[least])
    return chosen


def _looked_at(
    number: Fraction,
    replies: Sequence[Line],
    said: Sequence[Fraction | None],
    worked: Sequence[Fraction | None],
    derived: Fraction | None,
) -> tuple[Check, ...]:
    told = [place for place, value in enumerate(said) if value == number]
    came = [place for place, value in enumerate(worked) if value == number]
    likely = [sum(replies[place]["logprobs"]) for place in (*told, *came)]
    return (
        look.check("votes", len(told) / len(replies), 0.5),
        look.check("votes_worked_out", len(came) / len(replies), 0.5),
        look.check("said_first", float(bool(told) and told[0] == 0), 1.0),
        look.check("worked_out_first", float(bool(came) and came[0] == 0), 1.0),
        look.check("both", float(bool(set(told) & set(came))), 1.0),
        look.check("likelihood", max(likely) if likely else None, -2.0),
        look.check("derived", None if derived is None else float(number == derived), 1.0),
    )


def _derived(line: Line) -> Fraction | None:
    """What the question itself comes to, without any model."""
    found = compute(Situation(ThoughtState.from_input(line["question"]), Recollection()))
    return number_in(found[0].text) if found else None


def _golds(line: Line) -> set[Fraction | None]:
    return {number_in(gold) for gold in line["golds"]}


def _without(row: Sequence[Check], names: frozenset[str]) -> tuple[Check, ...]:
    return tuple(check for check in row if check.name not in names)
