"""Feedback changes what is said next; commits keep their bound; nothing confirms itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from alen.core.abstention import Certificate
from alen.core.belief import Family
from alen.core.energy import Energy, Term
from alen.core.online import EPOCH
from alen.engine.engine import BELIEF_KEY
from alen.engine.learning import SHADOWS_KEY
from alen.errors import BadInput

QUESTION = "At what degrees does the Halden kiln fire stoneware?"


@pytest.fixture
def taught(engine):
    engine.teach("The Halden kiln fires stoneware at 1,240 degrees.", source="manual")
    return engine


def test_what_was_called_wrong_is_not_said_again(taught):
    first = taught.ask(QUESTION)
    assert first.decision == "answer"
    taught.feedback(first.episode, correct=False)
    again = taught.ask(QUESTION)
    assert again.text is None
    assert again.confidence == 0.0
    assert "called wrong" in again.reason
    assert "called wrong" in again.explain()


def test_a_grade_moves_what_is_said_of_near_questions(taught):
    families = dict(taught.belief().families)
    read = families["read"].energy
    families["read"] = Family(Energy(read.bias, (*read.terms, Term("record_near", 0.0, 1.0, 1.0))))
    taught.memory.save_state(BELIEF_KEY, replace(taught.belief(), families=families).to_json())
    other = "At what degrees does the Halden kiln fire the stoneware?"
    before = taught.ask(other, private=True).confidence
    taught.feedback(taught.ask(QUESTION).episode, correct=False)
    after = taught.ask(other, private=True)
    assert after.confidence < before
    assert next(check for check in after.checks if check.name == "record_near").value < -0.1


def test_weights_learn_on_a_copy_and_change_at_the_end_of_an_epoch(taught):
    held = Certificate(0.1, 0.05, 0.6, 100, 3)
    taught.memory.save_state(BELIEF_KEY, replace(taught.belief(), certificates=(held,)).to_json())
    before = taught.belief().families["read"]
    answer = taught.ask(QUESTION).to_json()
    for number in range(EPOCH):
        assert taught.belief().families["read"] == before
        episode = taught.memory.record_answer({**answer, "question": f"Of what use is number {number}?"})
        taught.feedback(episode, correct=number % 4 > 0)
    belief = taught.belief()
    assert belief.families["read"] != before
    assert belief.provenance["epochs"] == 1
    assert belief.certificates == ()
    assert taught.memory.load_state(SHADOWS_KEY)["read"]["window"] == []
    # Three in four were right, whatever the checks said.
    other = taught.ask("At what degrees does the Halden kiln fire all of its stoneware?")
    assert other.confidence == pytest.approx(0.75, abs=0.1)


def test_the_same_grade_twice_counts_once(taught):
    episode = taught.ask(QUESTION).episode
    for _ in range(3):
        taught.feedback(episode, correct=False)
    assert len(taught.belief().record) == 1
    taught.feedback(episode, correct=True)
    assert len(taught.belief().record) == 2


def test_a_disputed_answer_teaches_nothing_of_undisputed_ones(taught):
    """That one of two contradicting answers was wrong was to be expected; near answers count all the same."""
    answer = taught.ask(QUESTION).to_json()
    for number, checks in enumerate(([], [{"name": "contradicted", "status": "fail", "value": -3.0}])):
        best = answer["candidates"][0]
        disputed = {**best, "checks": [*best["checks"], *checks]}
        said = {**answer, "question": f"Which one is number {number}?", "candidates": [disputed]}
        taught.feedback(taught.memory.record_answer(said), correct=False)
        assert len(taught.memory.load_state(SHADOWS_KEY)["read"]["window"]) == 1
    assert len(taught.belief().record) == 2


def test_grades_given_at_once_all_count(taught):
    answer = taught.ask(QUESTION).to_json()
    episodes = [taught.memory.record_answer({**answer, "question": f"Of what use is it {n}?"}) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda episode: taught.feedback(episode, correct=True), episodes))
    assert len(taught.belief().record) == 24
    assert len(taught.memory.load_state(SHADOWS_KEY)["read"]["window"]) == 24


def test_a_taught_answer_teaches_nothing_about_checks(taught):
    taught.teach(qa=[{"question": "Who owns the kiln?", "answer": "Marta"}])
    uid = taught.memory.recall("Who owns the kiln?")[0].episode.id
    taught.feedback(uid, correct=True)
    assert taught.memory.load_state(SHADOWS_KEY) is None


def test_commits(taught):
    sums = [taught.ask(f"What is {n} + 4?").episode for n in range(3)]
    read = taught.ask(QUESTION).episode
    report = taught.commit_verified(0.2)
    assert (report["proved"], report["certified"]) == (3, 0)
    assert [taught.memory.get(uid).tier for uid in sums] == ["proved"] * 3
    graded = tuple((0.55 + 0.004 * n, int(n > 4)) for n in range(100))
    taught.memory.save_state(BELIEF_KEY, replace(taught.belief(), graded=graded).to_json())
    assert taught.commit_verified(0.2)["certified"] == 1
    assert taught.memory.get(read).tier == "certified"
    with pytest.raises(BadInput, match="epsilon"):
        taught.commit_verified(1.5)


def test_its_own_word_is_no_second_witness(taught):
    """A committed answer to the same question gives back the confidence it had, never more."""
    first = taught.ask(QUESTION)
    taught.memory.promote([first.episode], "certified")
    again = taught.ask(QUESTION, effort="thorough")
    assert again.confidence <= first.confidence + 1e-3
    said = {check.name: check.value for check in again.checks}
    assert said.get("agreement") == {check.name: check.value for check in first.checks}.get("agreement")


def test_erasing_takes_along_what_was_learned_of_single_questions(taught):
    first = taught.ask(QUESTION)
    taught.feedback(first.episode, correct=False)
    assert len(taught.belief().record) == 1
    taught.memory.erase([first.episode])
    assert len(taught.belief().record) == 0
