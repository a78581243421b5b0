"""Which of several replies to say: the most votes, or the least energy; both from the same replies and their tokens.

The least energy is what the reasoner chooses after calibration: each reply is proposed as it is and, where it has an
equation, once more with what that comes to; what the question itself comes to is proposed as well. Numbers only.

Axes: L lines of a set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from alen.benchmark.estimating import completion_of
from alen.benchmark.tasks.graders import number_in
from alen.benchmark.verification import Prepared
from alen.core import belief, judging
from alen.core.belief import Belief
from alen.core.fitting import Labelled, fit
from alen.core.operators import compute
from alen.core.operators.logical import worked_out_proposals
from alen.core.operators.writing import proposals_of
from alen.core.reasoner import Reasoner
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import ThoughtState
from alen.types import Check, Recollection

Line = Mapping[str, Any]

WRITTEN = "write:frozen"
"""The family of what the model wrote; nothing is fitted to it before."""


@dataclass(frozen=True)
class Choices:
    """What may be said to one question: proposals, the checks of each, and whether each is right."""

    situation: Situation
    proposals: tuple[Proposal, ...]
    checks: tuple[tuple[Check, ...], ...]
    right: tuple[bool, ...]

    @classmethod
    def of(cls, situation: Situation, proposals: Sequence[Proposal], golds: Collection[Fraction | None]) -> Choices:
        looked = judging.completed(situation, proposals, Belief({}), Tools())
        right = tuple(number_in(proposal.text) in golds for proposal in proposals)
        return cls(situation, tuple(proposals), tuple(proposal.checks for proposal in looked), right)


def choices(line: Line, *, computing: bool = True) -> Choices:
    """The replies as the operators propose them: the likely one, those by chance, and what their equations come to;
    with ``computing`` also what the question itself comes to."""
    situation = Situation(ThoughtState.from_input(line["question"]), Recollection(), "thorough")
    first, *others = (completion_of(reply) for reply in (line["greedy"], *line["samples"]))
    proposals = proposals_of([first], "intuitive", WRITTEN) + proposals_of(others, "probabilistic", WRITTEN)
    proposals += worked_out_proposals(situation.thought, [first, *others], "frozen", f"{WRITTEN}:equation")
    if computing:
        return Choices.of(situation, [*compute(situation), *proposals], _golds(line))
    found = Choices.of(situation, proposals, _golds(line))
    # What was never fitted has no weight.
    return replace(found, checks=tuple(_without_derived(row) for row in found.checks))


def by_votes(line: Line) -> bool:
    """Whether the number that most replies end with is right; of equals, the one that came first (Wang et al., 2023,
    "Self-consistency improves chain of thought reasoning in language models")."""
    said = [number_in(reply["text"]) for reply in (line["greedy"], *line["samples"])]
    votes = Counter(number for number in said if number is not None)
    return bool(votes) and max(votes, key=lambda number: votes[number]) in _golds(line)


def by_energy(one: Prepared, found: Sequence[Choices]) -> np.ndarray:
    """(L,) whether the best candidate is right, by what calibration makes of the fit part, and NaN outside of the test
    part. Sums are believed as shipped."""
    labelled = [
        Labelled(proposal.family, checks, int(right), one.groups[place], place)
        for place in one.of("fit").tolist()
        for proposal, checks, right in _rows(found[place])
        if proposal.family != "compute"
    ]
    shipped = Belief({"compute": belief.default().families["compute"]})
    fitted, _ = fit(labelled, shipped, {}, certifying=0.0)
    chosen = np.full(len(found), np.nan)
    for place in one.of("test").tolist():
        chosen[place] = float(_is_right(Reasoner(fitted), found[place]))
    return chosen


def _rows(each: Choices) -> Iterable[tuple[Proposal, tuple[Check, ...], bool]]:
    return zip(each.proposals, each.checks, each.right, strict=True)


def _is_right(reasoner: Reasoner, each: Choices) -> bool:
    candidates = reasoner.judge(each.situation, each.proposals).candidates
    said = {proposal.text: right for proposal, _, right in _rows(each)}
    return bool(candidates) and said[candidates[0].text]


def _without_derived(row: Sequence[Check]) -> tuple[Check, ...]:
    return tuple(check for check in row if check.name != "derived")


def _golds(line: Line) -> set[Fraction | None]:
    return {number_in(gold) for gold in line["golds"]}
