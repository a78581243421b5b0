"""What holds whatever is asked, stored or proposed."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alen.core.abstention import Policy
from alen.core.belief import Belief, Family, default
from alen.core.calibration import Calibrator
from alen.core.energy import Energy, Term
from alen.core.reasoner import Reasoner
from alen.core.record import Record
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import ThoughtState
from alen.types import Check, Completion, Episode, EpisodeHit, Passage, PassageHit, Reading, Recollection

numbers = st.floats(-50, 50, allow_nan=False)
BELIEF = Belief({"read": Family(Energy(0.1, (Term("answerable", 0.0, 1.0, 1.0), Term("agreement", 0.0, 1.0, 0.5))))})


def _proposal(text: str, value: float, operator: str = "conservative") -> Proposal:
    return Proposal(text, operator, "read", (Check("answerable", "pass", value),), ())


def _situation(question: str = "Where is it?", **more: Any) -> Situation:
    return Situation(ThoughtState.from_input(question), Recollection(**more))


@given(st.lists(st.tuples(numbers, st.integers(0, 1)), min_size=20, max_size=60), st.lists(numbers, min_size=2))
@settings(max_examples=60, deadline=None)
def test_probabilities_are_bounded_and_fall_with_energy(graded: list[tuple[float, int]], asked: list[float]) -> None:
    scores, labels = np.array([score for score, _ in graded]), np.array([label for _, label in graded])
    for fitted in (Calibrator.platt(scores, labels), Calibrator.isotonic(scores, labels)):
        p = [fitted.probability(score) for score in sorted(asked)]
        assert all(0.0 <= value <= 1.0 for value in p)
        assert all(low <= high + 1e-12 for low, high in itertools.pairwise(p))
        for score in asked:
            low, high = fitted.interval(score)
            assert 0.0 <= low <= fitted.probability(score) <= high <= 1.0


@given(
    st.lists(st.tuples(st.sampled_from(["Oslo", "in Oslo", "Rome", "12", "twelve"]), numbers), min_size=1, max_size=7)
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_proposals_does_not_matter(rows: list[tuple[str, float]]) -> None:
    proposals = [_proposal(text, value, f"operator {place}") for place, (text, value) in enumerate(rows)]
    turned = list(proposals)
    random.Random(1).shuffle(turned)
    one, other = (Reasoner(BELIEF).judge(_situation(), some) for some in (proposals, turned))
    assert one.decision == other.decision
    assert [c.confidence for c in one.candidates] == [c.confidence for c in other.candidates]
    assert {frozenset(c.operators) for c in one.candidates} == {frozenset(c.operators) for c in other.candidates}


GOLD = "In Halden"


class Reads:
    """Reads the same span, whatever it is shown."""

    name, fingerprint, family = "r", "r", "read"

    def read(self, question: str, passages: Any, **more: Any) -> list[Reading]:
        return [Reading(GOLD, 12, 21, -0.4, -0.2, 1.0, 1.0, 3, 20) for _ in passages]


class Writes:
    """Writes the right answer at once and another one else; what it is shown is kept, and what it says of its replies
    beside their words and numbers may hold anything."""

    family = fingerprint = "w"

    def __init__(self, planted: str) -> None:
        self.name, self.planted, self.shown = f"w{planted}", planted, []

    def generate(self, messages: Any, *, n: int = 1, **more: Any) -> list[Completion]:
        self.shown.append(messages)
        ids = tuple(self.planted.encode())
        said = ["In Rome", GOLD, "Oslo", GOLD, GOLD][:n]
        return [Completion(text, 2, 9, "stop", (-0.3,), (1.0,), (0.5,), ids, {self.planted: 1.0}) for text in said]


class Encodes:
    name, dim, fingerprint = "hash", 16, "hash-16"

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.stack([ThoughtState.from_input(text, self.dim).vector for text in texts])


_WEIGHED = ("likelihood", "votes", "brevity", "type", "near_in_meaning", "agreement", "record_near")
WRITING = Belief(
    {**default().families, "write:w": Family(Energy(0.3, tuple(Term(name, 0.1, 1.0, 0.7) for name in _WEIGHED)))}
)


def _seen(gold: str, belief: Belief = WRITING, effort: Any = "thorough") -> tuple[Any, list[Any]]:
    """The verdict with ``gold`` wherever no check may look, and what the writer was shown: in an episode's detail,
    tags, context, id and source, in a passage's source, title and id, in the belief's past, and round the replies."""
    episode = Episode(f"e{gold}", "Where was it then?", "In Rome", gold, "gold", gold, 1.0, "", tags=(gold,))
    episode = replace(episode, detail={"answers": [gold], "right": gold})
    passage = Passage(1, "The kiln is In Halden today.", gold, title=gold or None, external_id=gold)
    hit = PassageHit(passage, 0.9, (0, 28), {"sentence": 0.7, "bm25": 4.0})
    situation = replace(_situation(passages=(hit,), episodes=(EpisodeHit(episode, 0.8),)), effort=effort)
    writer = Writes(gold)
    tools = Tools(reader=Reads, generator=lambda: writer, encoder=Encodes, second=lambda: writer)
    return Reasoner(replace(belief, provenance={"gold": gold})).answer(situation, tools), writer.shown


@pytest.mark.parametrize(("belief", "effort"), [(default(), "balanced"), (WRITING, "balanced"), (WRITING, "thorough")])
def test_a_right_answer_planted_where_no_check_may_look_changes_nothing(belief: Belief, effort: Any) -> None:
    """Nor what a model is shown that writes."""
    (plain, shown), (planted, shown_then) = _seen("", belief, effort), _seen(GOLD, belief, effort)
    assert (planted.decision, planted.reason) == (plain.decision, plain.reason)
    assert [(c.text, c.operators, c.confidence, c.interval, c.checks) for c in planted.candidates] == [
        (c.text, c.operators, c.confidence, c.interval, c.checks) for c in plain.candidates
    ]
    assert shown_then == shown
    assert len(shown) == (0 if belief is not WRITING else 4)
    assert not any(GOLD in message["content"] for messages in shown for message in messages)


def test_a_right_answer_in_the_record_changes_what_was_said_of_it_alone() -> None:
    """That an answer was right to another question is known by its own check, which nothing was fitted to here; its
    words reach no other check, and an answer is never told by its own grade."""
    vectors_ND = np.stack([ThoughtState.from_input(text).vector for text in ("Where is it?", "Who was she?")])
    right_N = np.array([1.0, 0.0])
    plain, planted = (
        _seen("", replace(WRITING, record=Record.of_answers(vectors_ND, right_N, (answer, "Ada"))))[0]
        for answer in ("In Bergen", GOLD)
    )
    assert planted.decision == plain.decision
    for one, other in zip(plain.candidates, planted.candidates, strict=True):
        assert (one.text, one.confidence, one.interval) == (other.text, other.confidence, other.interval)
        before, after = ({check.name: check for check in found.checks} for found in (one, other))
        told = before.pop("record_of_answer"), after.pop("record_of_answer")
        assert before == after
        assert (told[0] != told[1]) == (one.text == GOLD)
    assert any(check.name == "record_near" and check.weight for c in planted.candidates for check in c.checks)
    asked = ThoughtState.from_input("Where is it?").vector
    left = [
        Record.of_answers(vectors_ND, right_N, (answer, "Ada")).of(asked, [GOLD], without=[0])
        for answer in ("In Bergen", GOLD)
    ]
    assert left[0] == left[1]


@given(st.floats(0.0, 1.0), st.lists(numbers, max_size=5))
@settings(max_examples=60, deadline=None)
def test_it_answers_exactly_when_the_probability_reaches_the_threshold(threshold: float, values: list[float]) -> None:
    proposals = [_proposal(f"answer number {place}", value) for place, value in enumerate(values)]
    verdict = Reasoner(BELIEF, Policy(threshold=threshold)).judge(_situation(), proposals)
    sure = max((candidate.confidence for candidate in verdict.candidates), default=None)
    assert (verdict.decision == "answer") == (sure is not None and sure >= threshold)


@pytest.mark.parametrize(
    "question", ["🤖" * 50 + "a", "\u202eWho\u202c built it?", "Ｗｈｏ ｂｕｉｌｔ ｉｔ？", "who " * 900, "a\u0000b"]
)
def test_strange_questions_are_thought_about(question: str) -> None:
    verdict = Reasoner(default()).answer(_situation(question), Tools())
    assert verdict.decision == "abstain"
    assert "nothing stored" in verdict.reason
