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
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import ThoughtState
from alen.types import Check, Episode, EpisodeHit, Passage, PassageHit, Reading, Recollection

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


def test_a_right_answer_planted_where_no_check_may_look_changes_nothing() -> None:
    """In an episode's detail, tags, context, id and source, in a passage's id and source, and in the belief's past."""

    def read(question: str, passages: Any, **more: Any) -> list[Reading]:
        return [Reading("In Halden", 12, 21, -0.4, -0.2, 1.0, 1.0, 3, 20) for _ in passages]

    reader = type("Fake", (), {"name": "r", "fingerprint": "r", "family": "read", "read": staticmethod(read)})()

    def verdict(gold: str) -> Any:
        episode = Episode(f"e{gold}", "Where is it?", "In Rome", gold, "gold", gold, 1.0, "", tags=(gold,))
        episode = replace(episode, question="Where was it then?", detail={"answers": [gold], "right": gold})
        passage = Passage(1, "The kiln is In Halden today.", gold, external_id=gold)
        hit = PassageHit(passage, 0.9, (0, 28), {"sentence": 0.7, "bm25": 4.0})
        situation = _situation(passages=(hit,), episodes=(EpisodeHit(episode, 0.8),))
        belief = replace(default(), provenance={"gold": gold})
        return Reasoner(belief).answer(situation, Tools(reader=lambda: reader))

    plain, planted = verdict(""), verdict("In Halden")
    assert planted.decision == plain.decision
    assert [(c.text, c.confidence, c.checks) for c in planted.candidates] == [
        (c.text, c.confidence, c.checks) for c in plain.candidates
    ]


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
