"""Checks of what a model wrote, by hand; and who is asked what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from alen.core import judging
from alen.core.belief import Belief, Family
from alen.core.checks import backward
from alen.core.checks.of_writings import of_writings
from alen.core.energy import Energy, Term
from alen.core.operators import answer_at_once, answer_by_example, ask_otherwise, sample
from alen.core.operators.writing import answer_of
from alen.core.situation import Situation, Tools
from alen.thought import ThoughtState, options, with_options
from alen.types import Completion, Episode, EpisodeHit, Recollection


def _reply(
    text: str, *logprobs: float, margins: tuple[float, ...] = (), entropies: tuple[float, ...] = ()
) -> Completion:
    return Completion(text, len(logprobs), 10, "stop", tuple(logprobs), margins, entropies)


def _values(checks: Sequence[Any]) -> dict[str, float | None]:
    return {check.name: check.value for check in checks}


def test_by_hand() -> None:
    thought = ThoughtState.from_input("How many are there?")
    replies = [
        _reply("4", -0.1, -0.3, margins=(2.0, 1.0), entropies=(0.5, 0.7)),
        _reply("4", -0.2),
        _reply("four", -1.0),
        _reply("seven", -2.0),
    ]
    first, _, _, last = of_writings(thought, ["4", "4", "four", "seven"], replies, [0, 0, 0, 1])
    found = _values(first)
    assert found["likelihood"] == pytest.approx(-0.2)
    assert found["joint_likelihood"] == pytest.approx(-0.4)
    assert found["weakest_token"] == pytest.approx(-0.3)
    assert found["first_token_lead"] == pytest.approx(2.0)
    assert found["certainty"] == pytest.approx(-0.6)
    assert found["votes"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["votes_lead"] == pytest.approx(0.5)
    assert found["unanimity"] == pytest.approx(0.75 * math.log(0.75) + 0.25 * math.log(0.25), abs=1e-4)
    assert found["sure_and_agreed"] == pytest.approx(-0.4 / 3, abs=1e-4)
    assert found["type"] == 1.0
    assert _values(last)["votes"] == 0.0
    assert _values(last)["certainty"] is None


def test_one_reply_has_nobody_to_agree_with() -> None:
    [checks] = of_writings(ThoughtState.from_input("Who?"), ["Ada"], [_reply("Ada")], [0])
    found = _values(checks)
    assert [found[name] for name in ("votes", "unanimity", "sure_and_agreed", "likelihood")] == [None] * 4


class Teller:
    """Says how likely a reply is by a table; counts how often it is asked."""

    def __init__(self, table: dict[str, float]) -> None:
        self.table, self.asked = table, 0

    def score(self, messages: Any, replies: Sequence[str], *, cancel: Any = None) -> list[tuple[float, ...]]:
        self.asked += 1
        prompt = messages[-1]["content"]
        return [
            (next((v for k, v in self.table.items() if k in prompt), 0.0) * (1 if r != "No" else -1),) for r in replies
        ]


def test_backward_by_hand() -> None:
    teller = Teller({"answer is: 4": -1.0, "answer is: 5": -3.0, "Write the question.": -2.5})
    found = backward.of_question_given_answer("What is 2 + 2?", ["4", "5"], teller)
    # Gains 1.5 and -0.5, less their mean.
    assert [check.value for check in found] == [pytest.approx(1.0), pytest.approx(-1.0)]
    assert teller.asked == 3
    assert backward.of_question_given_answer("What is 2 + 2?", ["4"], teller)[0].status == "not_applicable"


def test_a_masked_condition_by_hand() -> None:
    """Each number is hidden in turn; an answer counts by how much likelier it makes them."""
    teller = Teller(
        {"X + 3?\nThe answer is 5": -1.0, "2 + X?\nThe answer is 5": -2.0, "The answer is 6": -4.0, "X": -3.0}
    )
    found = backward.of_masked_conditions("What is 2 + 3?", ["5", "6"], teller)
    assert [check.value for check in found] == [pytest.approx(1.5), pytest.approx(-1.0)]
    assert teller.asked == 6
    assert backward.of_masked_conditions("Who was it?", ["5"], teller)[0].status == "not_applicable"
    teller.asked = 0
    backward.of_masked_conditions("1 " * 1000, ["5"], teller)
    assert teller.asked == 2 * backward.MOST_MASKED


def test_own_judgement_is_taken_against_that_of_nothing() -> None:
    teller = Teller({"Proposed answer: 4": 2.0, "Proposed answer: 5": -1.0, "Is it right?": 0.5})
    found = backward.of_own_judgement("What is 2 + 2?", ["4", "5"], teller)
    assert [check.value for check in found] == [pytest.approx(3.0), pytest.approx(-3.0)]


def test_a_model_is_asked_back_where_that_counts_or_is_to_be_fitted() -> None:
    situation = _situation("What is 2 and 3?")
    proposals = answer_at_once(situation, Writer("5")) + sample(situation, Writer("5", "6"))
    backwards = {"backward", "own_judgement", "masked_condition"}

    def asked(belief: Belief, tools: Tools) -> set[str]:
        found = judging.completed(situation, proposals, belief, tools)
        return {check.name for check in found[0].checks if check.value is not None} & backwards

    teller = Teller({})
    tools = Tools(scorer=lambda: teller)
    assert asked(Belief({}), tools) == set()
    assert teller.asked == 0
    assert asked(Belief({}), replace(tools, ask_back=True)) == backwards
    weighing = Energy(0.0, (Term("masked_condition", 0.0, 1.0, 1.0),))
    assert asked(Belief({"write:writer": Family(weighing)}), tools) == {"masked_condition"}


class Writer:
    """Replies in turn, and keeps what it was asked."""

    name = family = fingerprint = "writer"

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = texts, []

    def generate(self, messages: Any, *, n: int = 1, **options: Any) -> list[Completion]:
        self.asked.append((messages, n, options))
        return [_reply(self.texts[place % len(self.texts)], -0.5) for place in range(n)]


def _situation(question: str, effort: Any = "thorough", *taught: tuple[str, str]) -> Situation:
    hits = tuple(
        EpisodeHit(Episode(asked, asked, answer, None, "gold", "user", 1.0, ""), 0.9 - 0.1 * place)
        for place, (asked, answer) in enumerate(taught)
    )
    return Situation(ThoughtState.from_input(question), Recollection((), hits), effort)


def test_at_once_and_by_chance() -> None:
    writer = Writer("The answer is Paris.")
    [proposal] = answer_at_once(_situation("Where is it?"), writer)
    assert (proposal.text, proposal.operator, proposal.family, proposal.tokens) == (
        "Paris",
        "intuitive",
        "write:writer",
        11,
    )
    assert writer.asked[0][2]["max_tokens"] > 0
    many = sample(_situation("Where is it?"), Writer("Paris", "Rome"))
    assert [proposal.text for proposal in many[:3]] == ["Paris", "Rome", "Paris"]
    assert len(many) == 10
    assert sum(proposal.tokens for proposal in many) == 10 + 10  # the prompt is read once
    assert sample(_situation("Where is it?", "fast"), Writer("Paris")) == []


def test_examples_come_with_the_nearest_last() -> None:
    writer = Writer("Oslo")
    [proposal] = answer_by_example(
        _situation("Where now?", "thorough", ("Where a?", "here"), ("Where b?", "there")), writer
    )
    told = [message["content"] for message in writer.asked[0][0][1:]]
    assert told == ["Where b?", "there", "Where a?", "here", "Where now?"]
    assert [found.id for found in proposal.evidence] == ["Where a?", "Where b?"]
    assert answer_by_example(_situation("Where now?"), writer) == []


def test_options_change_places_and_back() -> None:
    question = "Which is it?\nA) red\nB) blue\nC) green"
    writer = Writer("A")
    [turned] = ask_otherwise(_situation(question), writer, None)
    assert writer.asked[0][0][-1]["content"] == "Which is it?\nA) blue\nB) green\nC) red"
    assert turned.text == "blue"
    [second] = ask_otherwise(_situation("Where?"), None, Writer("Rome"))
    assert (second.text, second.family) == ("Rome", "write:writer")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Paris.", "Paris"),
        ("\n\n Answer: 42\nbecause", "42"),
        ("The correct answer is B.", "B"),
        ("It costs 3.50.", "It costs 3.50."),
        ('"Ada"', "Ada"),
        ("", ""),
    ],
)
def test_the_answer_in_a_reply(reply: str, answer: str) -> None:
    assert answer_of(reply) == answer


def test_options_of_a_question() -> None:
    assert options("Where? A) here B) there\nC) no where") == ("here", "there", "no where")
    assert options("q\nA. foo\nB. bar baz") == ("foo", "bar baz")
    assert options("Plan A. B is nice. A. B. C") == ()
    assert options("What is vitamin A) for") == ()
    assert with_options("q A) a B) b", ("x", "y")) == "q\nA) x\nB) y"
    for hostile in ("A) " + "x " * 50_000, "A) x " * 20_000, "A) " + " " * 50_000 + "x" + " " * 50_000 + "z"):
        options(hostile)
