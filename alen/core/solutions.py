"""Solutions that somebody else wrote, judged by their working: from the question and this one reply."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.arithmetic import written
from alen.core.belief import Belief
from alen.core.checks.of_working import of_working
from alen.core.fitting import Labelled
from alen.core.working import Working
from alen.errors import BadInput
from alen.types import Candidate

FAMILY = "solution"
"""The energy of solutions. None ships: how much working tells depends on who wrote it."""


def judge(question: str, reply: str, belief: Belief) -> Candidate:
    """The number that a reply ends with, and the checks of its working; believed only where solutions were graded.

    Raises BadInput when the reply shows no working."""
    working = Working.of(reply) if isinstance(reply, str) else None
    if working is None or not working.equations or working.answer is None:
        raise BadInput(
            "reply",
            repr(reply)[:80],
            "a text with an equation and the number that it ends with",
            'For example: "5 + 7 = 12. The answer is 12."',
        )
    checks = belief.explained(FAMILY, of_working(question, reply))
    energy, confidence, interval = belief.weigh(FAMILY, checks)
    detail: dict[str, object] = {"family": FAMILY}
    if not belief.knows(FAMILY):
        detail["uncalibrated"] = True
    return Candidate(written(working.answer), ("judged",), checks, energy, confidence, interval, (), detail)


def graded(rows: Sequence[tuple[str, str, bool]]) -> list[Labelled]:
    """Questions, replies with their working and whether each is right, to fit the energy of solutions to."""
    return [
        Labelled(FAMILY, tuple(of_working(question, reply)), int(right), question) for question, reply, right in rows
    ]
