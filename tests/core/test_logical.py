"""What a model sets up is worked out: who is asked for an equation, what is proposed, how it is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from alen.core import judging
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.operators import work_out
from alen.core.reasoner import Reasoner
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import ThoughtState
from alen.types import Completion, Effort, Recollection

HENS = "A farmer has 32 hens and buys 40 more. How many hens does he have?"
FAMILY = "write:scripted:equation"
BELIEF = Belief(
    {
        FAMILY: Family(Energy(2.0, (Term("equation_holds", 0.5, 1.0, 0.1),))),
        "write:scripted": Family(Energy(-3.0, ())),
        "compute": Family(Energy(3.0, ())),
    }
)


class Scripted:
    """Replies with an equation where a calculation is asked for, else with an answer; keeps what it was asked."""

    name = family = fingerprint = "scripted"

    def __init__(self, *equations: str, answer: str = "62") -> None:
        self.equations, self.answer, self.asked = equations, answer, []

    def generate(self, messages: Any, *, n: int = 1, **options: Any) -> list[Completion]:
        calculation = "calculation" in messages[0]["content"]
        self.asked.append((calculation, n, options))
        texts = self.equations if calculation else (self.answer,)
        return [Completion(texts[place % len(texts)], 2, 10, "stop", (-0.25, -0.75)) for place in range(n)]

    @property
    def calculations(self) -> int:
        return sum(calculation for calculation, _, _ in self.asked)


def _situation(question: str, effort: Effort = "balanced") -> Situation:
    return Situation(ThoughtState.from_input(question), Recollection(), effort)


def _checks(proposal: Proposal) -> dict[str, float | None]:
    return {check.name: check.value for check in proposal.checks}


def test_a_right_plan_with_a_wrong_sum_is_answered_right() -> None:
    writer = Scripted("32 + 40 = 62")
    verdict = Reasoner(BELIEF).answer(_situation(HENS), Tools(generator=lambda: writer))
    best = verdict.candidates[0]
    assert (verdict.decision, best.text, best.operators) == ("answer", "72", ("logical",))
    assert [(found.kind, found.text) for found in verdict.evidence] == [("derivation", "32 + 40 = 72")]
    values = {check.name: check.value for check in best.checks}
    assert (values["equation_holds"], values["operands_given"], values["likelihood"]) == (0.0, 1.0, -0.5)
    # It was sure enough: no answers were asked for.
    assert [calculation for calculation, _, _ in writer.asked] == [True]
    assert verdict.tokens == 12


def test_answers_bear_an_equation_out() -> None:
    unsure = Belief({**BELIEF.families, FAMILY: Family(Energy(0.0, ()))})
    writer = Scripted("32 + 40 = 62", answer="72")
    situation, tools = _situation(HENS), Tools(generator=lambda: writer)
    proposals = Reasoner(unsure).propose(situation, tools)
    by_operator = {each.operator: each for each in judging.completed(situation, proposals, unsure, tools)}
    assert _checks(by_operator["logical"])["agreement"] == 1.0
    assert _checks(by_operator["intuitive"])["agreement"] == 1.0
    verdict = Reasoner(unsure).judge(situation, proposals, tools)
    assert {"logical", "intuitive", "probabilistic"} == set(verdict.candidates[0].operators)


def test_with_all_effort_several_are_asked_for_and_vote() -> None:
    writer = Scripted("32 + 40 = 72", "32 + 40 = 62", "40 - 32 = 8", "no idea", "40 - 32 = 6")
    situation = _situation(HENS, "thorough")
    proposals = work_out(situation, writer)
    # The likeliest alone, then five by chance, one of which holds no equation.
    assert [(n, options.get("temperature", 0.0) > 0) for _, n, options in writer.asked] == [(1, False), (5, True)]
    assert [proposal.text for proposal in proposals] == ["72", "72", "72", "8", "8"]
    assert [proposal.tokens for proposal in proposals] == [12, 12, 2, 2, 2]
    found = [_checks(proposal) for proposal in judging.completed(situation, proposals, BELIEF, Tools())]
    assert [checks["votes"] for checks in found] == [0.5, 0.5, 0.5, 0.25, 0.25]
    assert [checks["equation_holds"] for checks in found] == [1.0, 1.0, 0.0, 1.0, 0.0]
    # Equations of one model cannot bear each other out.
    assert [checks["agreement"] for checks in found] == [None] * 5


@pytest.mark.parametrize(
    "question",
    [
        "Who had 32 hens and bought 40 more?",
        "Why do 32 and 40 make 72?",
        "How hot does the kiln get?",
        "How many hens did the farmer buy in 1911?",
        "What is 32 + 40?",
    ],
)
def test_who_is_not_asked_for_an_equation(question: str) -> None:
    writer = Scripted("32 + 40 = 72")
    Reasoner(BELIEF).propose(_situation(question, "thorough"), Tools(generator=lambda: writer), everything=True)
    assert writer.calculations == 0
    if question != "What is 32 + 40?":
        assert writer.asked  # for answers


def test_fast_asks_nobody() -> None:
    def generator() -> Scripted:
        raise AssertionError("loaded")

    assert Reasoner(BELIEF).propose(_situation(HENS, "fast"), Tools(generator=generator)) == []
    writer = Scripted("32 + 40 = 72")
    assert work_out(_situation(HENS, "fast"), writer) == []
    assert work_out(_situation(HENS), None) == []
    assert writer.asked == []


def test_what_was_never_fitted_is_asked_for_only_to_fit_it() -> None:
    answers_alone = Belief({"write:scripted": BELIEF.families["write:scripted"]})
    writer = Scripted("32 + 40 = 72")
    Reasoner(answers_alone).propose(_situation(HENS), Tools(generator=lambda: writer))
    assert (writer.calculations, len(writer.asked)) == (0, 2)
    found = Reasoner(answers_alone).propose(_situation(HENS), Tools(generator=lambda: writer), everything=True)
    assert found[0].family == FAMILY


def test_numbers_that_are_not_in_the_question_count_against_it() -> None:
    [proposal] = work_out(_situation(HENS), Scripted("32 * 100 = 3200"))
    assert _checks(proposal)["operands_given"] == 0.5
    # In words, too, where "half" lets one divide by two; and an earlier result is nothing from outside.
    words = _situation("Ada has three boxes of a dozen eggs and half of them break. How many are whole?")
    [proposal] = work_out(words, Scripted("3 * 12 = 35, 35 / 2 = 17"))
    assert (proposal.text, _checks(proposal)["operands_given"]) == ("18", 1.0)
    cups = _situation("A cup holds 3/4 of 80 grams. How many grams are that?")
    [proposal] = work_out(cups, Scripted("3 / 4 * 80 = 60"))
    assert _checks(proposal)["operands_given"] == 1.0
