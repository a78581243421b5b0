"""Checks: oriented, blind to right answers, not applicable where they cannot look."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from alen.core import checks
from alen.thought import ThoughtState
from alen.types import Episode, EpisodeHit, Passage, PassageHit, Reading

TEXT = "The Halden kiln was built in 1911. It fires stoneware at 1,240 degrees Celsius."


def _hit(score: float = 0.9) -> PassageHit:
    return PassageHit(Passage(1, TEXT, "manual.md"), score, (35, len(TEXT)), {"sentence": 0.7, "dense": 0.6})


def _values(question: str, answer: str, hits: list[PassageHit]) -> dict[str, float | None]:
    thought, start = ThoughtState.from_input(question), TEXT.index(answer)
    return {check.name: check.value for check in checks.of_passage(thought, hits, 0, (start, start + len(answer)))}


def test_no_check_takes_a_right_answer():
    for name, function in inspect.getmembers(checks, inspect.isfunction):
        assert not {"gold", "golds", "answers", "expected", "target"} & set(inspect.signature(function).parameters), (
            name
        )


def test_a_fitting_answer_passes():
    values = _values("How hot does the Halden kiln fire stoneware?", "1,240 degrees Celsius", [_hit(), _hit(0.5)])
    assert values["type"] == 1.0
    assert values["retrieval_lead"] == pytest.approx(0.4)
    assert values["names_in_passage"] == 1.0
    assert values["answer_in_best_sentence"] == 1.0


def test_words_by_the_answer_are_those_of_its_own_sentence():
    near = _values("At how many degrees is stoneware fired?", "1,240", [_hit()])
    far = _values("At how many degrees is stoneware fired?", "1911", [_hit()])
    assert near["words_by_answer"] == pytest.approx(2 / 3, abs=1e-4)
    assert far["words_by_answer"] == 0.0
    assert _values("When was it built?", "built in 1911", [_hit()])["words_by_answer"] == 0.0


def test_wrong_form_foreign_names_and_numbers_fail():
    values = _values("How many Varga kilns were sold in 1950?", "stoneware", [_hit()])
    assert (values["type"], values["names_in_passage"], values["numbers_in_passage"]) == (0.0, 0.0, 0.0)


def test_what_cannot_be_looked_at_is_not_applicable():
    made = checks.of_passage(ThoughtState.from_input("what is it?"), [_hit()], 0, (41, 46))
    states = {check.name: check.status for check in made}
    assert states["retrieval_lead"] == "not_applicable"
    assert states["names_in_passage"] == "not_applicable"
    assert states["words_in_passage"] == "not_applicable"
    assert checks.check("x", float("nan")).status == "not_applicable"


def test_likelihood_is_per_token():
    reading = Reading("a", 0, 1, logprob=-3.0, min_logprob=-2.0, margin=0.5, answerable=1.0, tokens=3, prompt_tokens=9)
    assert {check.name: check.value for check in checks.of_reading(reading)}["likelihood"] == -1.0


def test_taught_questions_of_other_numbers_do_not_agree():
    def hit(question: str) -> EpisodeHit:
        return EpisodeHit(Episode("1", question, "x", None, "gold", "user", 1.0, ""), 0.9)

    thought = ThoughtState.from_input("What was sold in 1950?")
    same, other = (
        {c.name: c.value for c in checks.of_episode(thought, [hit(q)], 0)}
        for q in ("What was sold in 1950?", "What was sold in 1951?")
    )
    assert (same["numbers_agree"], other["numbers_agree"]) == (1.0, 0.0)
    assert np.isclose(same["words_shared"], 1.0)


def test_an_answer_that_stands_nowhere_is_judged_by_its_words_alone():
    thought = ThoughtState.from_input("How hot does the kiln get?")
    made = {check.name: check for check in checks.of_passage(thought, [_hit()], 0, (0, 0), "about 1,300 degrees")}
    assert made["brevity"].value == -3.0
    assert made["adds_to_question"].value == 1.0
    for name in ("words_by_answer", "answer_in_best_sentence"):
        assert made[name].status == "not_applicable"
