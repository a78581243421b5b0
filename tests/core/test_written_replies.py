"""Checks of a written reply beside the options, the text and the question: by hand, and on the way through the
reasoner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from alen.core import judging
from alen.core.belief import Belief, Family
from alen.core.checks.of_agreement import of_computation
from alen.core.checks.of_context import of_context
from alen.core.checks.of_options import asked_of_options, of_options, option_of
from alen.core.energy import Energy, Term
from alen.core.operators import answer_at_once
from alen.core.reasoner import Reasoner
from alen.core.situation import Situation, Tools
from alen.thought import ThoughtState
from alen.types import Check, Completion, Evidence, Recollection

QUESTION = "Which of these is a colour?\nA) red\nB) seven\nC) dog"
OPTIONS = ("red", "seven", "dog")


def _values(checks: Sequence[Check]) -> dict[str, float | None]:
    return {check.name: check.value for check in checks}


def test_the_share_and_the_lead_of_an_option_by_hand() -> None:
    told = [math.log(value) for value in (0.4, 0.2, 0.2)]
    assert _values(of_options(told, 0)) == {
        "option_share": pytest.approx(math.log(0.5), abs=1e-5),
        "option_lead": pytest.approx(math.log(2), abs=1e-5),
    }
    assert _values(of_options(told, 1)) == {
        "option_share": pytest.approx(math.log(0.25), abs=1e-5),
        "option_lead": pytest.approx(-math.log(2), abs=1e-5),
    }
    assert [check.status for check in of_options(told, 0)] == ["pass", "fail"]
    far = of_options([-2000.0, -2010.0], 1)
    assert _values(far)["option_share"] == pytest.approx(-10.0, abs=1e-3)


@pytest.mark.parametrize(("told", "chosen"), [((-1.0, -2.0), None), ((-1.0,), 0), ((), None)])
def test_nothing_to_choose_from_and_nothing_chosen(told: tuple[float, ...], chosen: int | None) -> None:
    assert {check.status for check in of_options(told, chosen)} == {"not_applicable"}


def test_an_option_is_chosen_by_its_words_or_its_letter() -> None:
    assert [option_of(answer, OPTIONS) for answer in ("Seven.", "C", "(A)", "green")] == [1, 2, 0, None]


class Likes:
    """Finds an option likelier the nearer it stands to the front; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, tuple[str, ...]]] = []

    def score(self, messages: Any, replies: Sequence[str], *, cancel: Any = None) -> list[tuple[float, ...]]:
        self.asked.append((messages, tuple(replies)))
        return [(-1.0 - place, -0.5) for place, _ in enumerate(replies)]


def test_options_are_asked_for_once_for_all_answers() -> None:
    scorer, messages = Likes(), [{"role": "user", "content": QUESTION}]
    first, third, none = asked_of_options(messages, OPTIONS, ["red", "C", "green"], scorer)
    assert scorer.asked == [(messages, OPTIONS)]
    assert (_values(first)["option_lead"], _values(third)["option_lead"]) == (1.0, -2.0)
    assert none[0].status == "not_applicable"


CONTEXT = "The mill is old. The Halden kiln was built in 1911 by Ada. It is red."


def test_an_answer_beside_its_text_by_hand() -> None:
    found = _values(of_context("When was the Halden kiln built?", "in 1911", CONTEXT))
    # "halden", "kiln" and "built" all stand in the sentence; "1911" is the answer's only word that counts.
    assert found == {"verbatim": 1.0, "words_by_answer": 1.0, "adds_to_question": 1.0}
    found = _values(of_context("When was the Halden kiln built?", "RED", CONTEXT))
    assert found == {"verbatim": 1.0, "words_by_answer": 0.0, "adds_to_question": 1.0}
    found = _values(of_context("When was the Halden kiln built?", "Halden kiln, 1912", CONTEXT))
    assert found == {"verbatim": 0.0, "words_by_answer": None, "adds_to_question": pytest.approx(1 / 3, abs=1e-5)}


def test_without_a_text_only_the_question_is_compared() -> None:
    assert _values(of_context("Who built it?", "Ada", "")) == {
        "verbatim": None,
        "words_by_answer": None,
        "adds_to_question": 1.0,
    }
    assert _values(of_context("Who?", "", "a text"))["adds_to_question"] is None


def test_what_the_question_comes_to_by_hand() -> None:
    assert of_computation("forty-two", "42") == Check("derived", "pass", 1.0)
    assert of_computation("32", "42") == Check("derived", "fail", 0.0)
    assert of_computation("42", None).status == "not_applicable"


class Writer:
    """Says the same to everything."""

    name = family = fingerprint = "writer"

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, []

    def generate(self, messages: Any, *, n: int = 1, **options: Any) -> list[Completion]:
        self.asked.append(messages)
        return [Completion(self.text, 1, 9, "stop", (-0.1,)) for _ in range(n)]


def _weighing(*names: str) -> Belief:
    terms = tuple(Term(name, 0.0, 1.0, 1.0) for name in names)
    return Belief({"write:writer": Family(Energy(0.0, terms))})


def test_on_the_way_through_the_reasoner() -> None:
    """The options are asked for after the very words that the reply was written after, and move the probability."""
    situation = Situation(ThoughtState.from_input(QUESTION), Recollection())
    likely = {}
    for said in ("red", "B"):
        writer, scorer = Writer(said), Likes()
        tools = Tools(generator=lambda writer=writer: writer, scorer=lambda scorer=scorer: scorer)
        best = Reasoner(_weighing("option_lead")).answer(situation, tools).candidates[0]
        likely[said] = best.confidence
        found = _values(best.checks)
        assert found["option_lead"] == (1.0 if said == "red" else -1.0)
        assert (found["verbatim"], found["words_by_answer"], found["derived"]) == (None, None, None)
        assert [messages for messages, _ in scorer.asked] == [writer.asked[0]]
        assert scorer.asked[0][1] == OPTIONS
    assert likely["red"] == pytest.approx(1 / (1 + math.exp(-1.0)), abs=1e-4)
    assert likely["B"] == pytest.approx(1 / (1 + math.exp(1.0)), abs=1e-4)


def test_what_an_answer_repeats_of_its_options_is_no_repetition() -> None:
    situation = Situation(ThoughtState.from_input(QUESTION), Recollection())
    [proposal] = judging.completed(situation, answer_at_once(situation, Writer("red")), Belief({}), Tools())
    assert _values(proposal.checks)["adds_to_question"] == 1.0


def test_a_model_is_asked_for_the_options_where_that_counts_or_is_to_be_fitted() -> None:
    def asked(question: str, belief: Belief, *, ask_back: bool = False) -> int:
        situation, scorer = Situation(ThoughtState.from_input(question), Recollection()), Likes()
        proposals = answer_at_once(situation, Writer("red"))
        tools = Tools(scorer=lambda: scorer, ask_back=ask_back)
        judging.completed(situation, proposals, belief, tools)
        return sum(replies == OPTIONS for _, replies in scorer.asked)

    assert asked(QUESTION, _weighing("likelihood")) == 0
    assert asked(QUESTION, _weighing("option_share")) == 1
    assert asked(QUESTION, Belief({}), ask_back=True) == 1
    assert asked("Which is a colour?", _weighing("option_share")) == 0


def test_the_text_is_what_the_model_was_shown() -> None:
    """A passage that was recalled and not given to the model says nothing of what it wrote."""
    situation = Situation(ThoughtState.from_input("When was the Halden kiln built?"), Recollection())
    [alone] = answer_at_once(situation, Writer("1911"))
    shown = replace(alone, evidence=(Evidence("1", "passage", CONTEXT, "manual.md", None, 0, len(CONTEXT), 1.0),))
    taught = replace(alone, evidence=(Evidence("2", "episode", CONTEXT, "user", None, 0, 0, 1.0),))
    found = [
        _values(judging.completed(situation, [proposal], Belief({}), Tools())[0].checks)
        for proposal in (alone, shown, taught)
    ]
    assert [(each["verbatim"], each["words_by_answer"]) for each in found] == [(None, None), (1.0, 1.0), (None, None)]


def test_a_written_reply_is_compared_with_what_the_question_comes_to() -> None:
    situation = Situation(ThoughtState.from_input("What is 17 + 25?"), Recollection())
    right, wrong = (
        judging.completed(situation, answer_at_once(situation, Writer(text)), Belief({}), Tools())[0]
        for text in ("42", "32")
    )
    assert (_values(right.checks)["derived"], _values(wrong.checks)["derived"]) == (1.0, 0.0)
