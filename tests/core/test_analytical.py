"""Questions in steps: each step must hold, and the whole is worth what they are worth together."""

from __future__ import annotations

import pytest

from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.operators import solve_in_steps
from alen.core.reasoner import Reasoner
from alen.core.situation import Situation, Solved, Tools
from alen.thought import ThoughtState
from alen.types import Evidence, Recollection

QUESTION = "In which town is the foundry that supplies the capsules?"
BELIEF = Belief({"steps": Family(Energy(0.0, (Term("steps_together", 0.0, 1.0, 1.0),)))})


def _tools(**known: tuple[str, float]) -> Tools:
    def solve(question: str) -> Solved | None:
        for words, (answer, p) in known.items():
            if words.replace("_", " ") in question:
                return Solved(
                    question, answer, p, (p - 0.1, p + 0.1), (Evidence(words, "passage", "", "", None, 0, 0, 1.0),), 7
                )
        return None

    return Tools(solve=solve)


def _situation(question: str) -> Situation:
    return Situation(ThoughtState.from_input(question), Recollection())


def test_two_steps() -> None:
    tools = _tools(supplies_the_capsules=("Ostlin", 0.9), is_Ostlin=("Vesterholm", 0.8))
    verdict = Reasoner(BELIEF).answer(_situation(QUESTION), tools)
    best = verdict.candidates[0]
    assert (verdict.decision, best.text, best.operators) == ("answer", "Vesterholm", ("analytical",))
    assert best.confidence == pytest.approx(0.72, abs=1e-3)
    assert best.interval == pytest.approx((0.8 * 0.7, 1.0 * 0.9), abs=1e-3)
    assert [found.kind for found in verdict.evidence] == ["derivation", "passage", "passage"]
    assert "Which foundry supplies the capsules? Ostlin." in verdict.evidence[0].text
    assert verdict.tokens == 14


def test_a_step_that_is_not_known_leaves_nothing() -> None:
    assert solve_in_steps(_situation(QUESTION), _tools(supplies_the_capsules=("Ostlin", 0.9))) == []
    assert solve_in_steps(_situation(QUESTION), Tools()) == []
    assert solve_in_steps(_situation("Who supplies it?"), _tools(supplies=("Ostlin", 0.9))) == []


@pytest.mark.parametrize(
    ("question", "one", "other", "answer"),
    [
        ("Which is heavier, the Merrow or the Skerry?", "2 kg", "5 kg", "the Skerry"),
        ("Which is lighter, the Merrow or the Skerry?", "2 kg", "5 kg", "the Merrow"),
        ("Which is heavier, the Merrow or the Skerry?", "2 kg", "5 pounds", None),
        ("Which is heavier, the Merrow or the Skerry?", "2 kg", "2 kg", None),
        ("Which is heavier, the Merrow or the Skerry?", "little", "5 kg", None),
    ],
)
def test_a_comparison(question: str, one: str, other: str, answer: str | None) -> None:
    found = solve_in_steps(_situation(question), _tools(the_Merrow=(one, 0.9), the_Skerry=(other, 0.9)))
    assert [proposal.text for proposal in found] == ([] if answer is None else [answer])


def test_of_two_years_the_earlier_is_older() -> None:
    tools = _tools(When_was_the_mill=("1850", 0.9), When_was_the_kiln=("1911", 0.9))
    [older] = solve_in_steps(_situation("Which is older, the mill or the kiln?"), tools)
    [younger] = solve_in_steps(_situation("Which is younger, the mill or the kiln?"), tools)
    assert (older.text, younger.text) == ("the mill", "the kiln")
