"""Operators are spared once one of them is sure enough to be said, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from alen.core.abstention import Certificate, Policy
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.reasoner import ENOUGH, Reasoner
from alen.core.situation import Situation, Tools
from alen.thought import ThoughtState
from alen.types import Completion, Effort, Episode, EpisodeHit, Passage, PassageHit, Reading, Recollection

SURE = 0.85
"""What the reader reads is right with this probability."""
BELIEF = Belief(
    {
        "recall": Family(Energy(-5.0, ())),
        "read": Family(Energy(1.7346, ())),  # the log-odds of 0.85
        "write:writer": Family(Energy(0.0, (Term("likelihood", 0.0, 1.0, 1.0),))),
        "write:second": Family(Energy(-3.0, ())),
    }
)


class Reads:
    name, fingerprint, family = "fake", "fake", "read"

    def read(self, question: str, passages: Sequence[str], **more: Any) -> list[Reading]:
        return [Reading(text[:8], 0, 8, -0.5, -0.3, 2.0, 1.0, 4, 50) for text in passages]


class Writer:
    """Says the same whatever it is asked, as surely as it is told; keeps how often it was asked."""

    def __init__(self, name: str = "writer", sure: float = 0.0) -> None:
        self.name = self.family = self.fingerprint = name
        self.sure, self.asked = sure, 0

    def generate(self, messages: Any, *, n: int = 1, **options: Any) -> list[Completion]:
        self.asked += 1
        return [Completion("Lillehammer", 1, 10, "stop", (self.sure,))] * n


def _situation(effort: Effort, *, passages: bool = True) -> Situation:
    hit = PassageHit(Passage(1, "Schwerin is where it stands.", "manual.md"), 0.9, None, {})
    taught = Episode("e", "Where was it before?", "Gera", None, "gold", "user", 1.0, "")
    recalled = Recollection((hit,) if passages else (), (EpisodeHit(taught, 0.5),))
    return Situation(ThoughtState.from_input("Where is it?"), recalled, effort)


def _asks_on(effort: Effort, policy: Policy, belief: Belief = BELIEF) -> bool:
    """Whether the writer is asked after the reader has read something that is right with 0.85."""
    writer = Writer()
    Reasoner(belief, policy).propose(_situation(effort), Tools(reader=Reads, generator=lambda: writer))
    return writer.asked > 0


@pytest.mark.parametrize(
    ("effort", "threshold", "asks_on"),
    [
        ("balanced", 0.5, False),
        ("balanced", 0.84, False),
        ("balanced", 0.9, True),
        ("thorough", 0.5, True),  # 0.95 is enough here
        ("fast", 0.9, False),
    ],
)
def test_what_would_not_be_answered_is_not_enough(effort: Effort, threshold: float, asks_on: bool) -> None:
    assert ENOUGH["balanced"] < SURE < ENOUGH["thorough"]
    assert _asks_on(effort, Policy(threshold=threshold)) is asks_on


def _certified(threshold: float | None, effort: str = "balanced") -> Belief:
    held = Certificate(0.1, 0.05, threshold, 100, 3)
    return Belief(BELIEF.families, {"effort": effort}, certificates=(held,))


@pytest.mark.parametrize("threshold", [0.6, 0.9, None])
def test_what_is_certified_comes_about_as_it_did_when_it_was_certified(threshold: float | None) -> None:
    assert not _asks_on("balanced", Policy(threshold=0.9, risk=0.1), _certified(threshold))
    assert _asks_on("balanced", Policy(threshold=0.9), _certified(threshold))


@pytest.mark.parametrize(
    ("threshold", "sure", "asked"),
    [
        (0.5, 2.0, (2, 0)),  # 0.88: at once and by chance, then it is enough
        (0.9, 2.0, (3, 1)),  # not enough: also by example, and the second model
        (0.9, 2.5, (2, 0)),  # 0.92
        (0.95, 2.5, (3, 1)),
    ],
)
def test_operators_that_write_are_spared_too(threshold: float, sure: float, asked: tuple[int, int]) -> None:
    writer, second = Writer(sure=sure), Writer("second")
    reasoner = Reasoner(BELIEF, Policy(threshold=threshold))
    tools = Tools(generator=lambda: writer, second=lambda: second)
    verdict = reasoner.answer(_situation("balanced", passages=False), tools)
    assert (writer.asked, second.asked) == asked
    assert (verdict.decision == "answer") == (asked == (2, 0))
