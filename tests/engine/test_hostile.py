"""What is taught and asked may be meant to mislead: no guarantee changes, and nothing crashes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alen.engine.engine import BELIEF_KEY
from alen.errors import BadInput
from tests.engine.soundness import is_sound

OWNER = "Who owns the kiln?"


def _told(engine, *owners):
    """Each by a source of its own."""
    for place, owner in enumerate(owners):
        engine.teach(qa=[{"question": OWNER, "answer": owner}], source=f"letter {place}")
    return engine.ask(OWNER, private=True)


@pytest.mark.parametrize("owners", [("Marta", "Ilse"), ("Marta", "Ilse", "Otto")])
@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
def test_memories_that_contradict_each_other_are_all_shown_and_none_is_said(engine, owners, effort):
    _told(engine, *owners)
    answer = engine.ask(OWNER, effort=effort, private=True)
    is_sound(engine, answer)
    assert {candidate.text for candidate in answer.candidates} == set(owners)
    assert answer.decision == "abstain"
    assert answer.reason.startswith("contradicted")
    assert sum(candidate.confidence for candidate in answer.candidates) <= 1.0
    assert answer.confidence == pytest.approx(1 / len(owners), abs=0.01)
    assert "- contradicted -" in answer.explain()


def test_they_are_candidates_where_sets_were_told(engine):
    told = replace(engine.belief(), coverage={0.2: 0.3})
    engine.memory.save_state(BELIEF_KEY, told.to_json())
    answer = _told(engine, "Marta", "Ilse")
    assert (answer.decision, answer.text, len(answer.candidates)) == ("candidates", None, 2)


def test_memories_that_say_the_same_in_other_words_are_one(engine):
    answer = _told(engine, "Marta Hald", "marta hald.", "the Marta Hald")
    assert (answer.decision, len(answer.candidates)) == ("answer", 1)
    assert answer.confidence > 0.99


def test_a_correction_contradicts_nothing(engine):
    first = _told(engine, "Marta")
    assert first.confidence > 0.99
    said = engine.ask(OWNER)
    engine.feedback(said.episode, correct=False, answer="Ilse")
    corrected = engine.ask(OWNER, private=True)
    assert (corrected.text, corrected.confidence) == ("Ilse", first.confidence)


def test_a_memory_that_was_superseded_contradicts_nothing(engine):
    old = engine.memory.remember(question=OWNER, answer="Marta")
    new = engine.memory.remember(question=OWNER, answer="Ilse")
    assert engine.ask(OWNER, private=True).text is None
    engine.memory.supersede(old, new)
    assert engine.ask(OWNER, private=True).text == "Ilse"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is twelve plus thirty-one?", "43"),
        ("seven hundred and five minus ninety", "615"),
        ("What is twelve plus eleventy-one?", None),
        ("What is seven-eleven?", None),
        ("What is two thousand million plus one?", None),
        ("What is one divided by zero?", None),
        ("What is three times the kiln?", None),
    ],
)
def test_numbers_as_words_are_computed_or_refused(engine, question, answer):
    engine.teach("The Halden kiln fires stoneware.")
    found = engine.ask(question, private=True)
    is_sound(engine, found)
    assert found.text == answer
    assert {evidence.kind for evidence in found.evidence} == ({"derivation"} if answer else {"passage"})


def test_a_question_as_long_as_a_book_is_refused(engine):
    engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    with pytest.raises(BadInput, match="100,000 characters"):
        engine.ask("x" * 100_000)


@pytest.mark.parametrize(
    "question",
    [
        "How many degrees is twelve hundred and forty?",
        "How many is a dozen hundred thousand million half dozens?",
        "one two three four five " * 100,
        "What is minus minus?",
        "\u202eHow hot is the kiln?",
        "Ｈｏｗ ｈｏｔ ｉｓ ｔｈｅ ｋｉｌｎ？",
        "How h\u200bot is the k\u200biln?",
        "𝕳𝖔𝖜 𝖍𝖔𝖙?",
        "How hot? " * 400,
        "(((((((((((1+1",
        "What is 9^9^9^9?",
        "'; DROP TABLE episode; --",
        'NEAR("* AND OR NOT',
        "?a",
    ],
)
def test_strange_questions(engine, question):
    engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    is_sound(engine, engine.ask(question, private=True))
    is_sound(engine, engine.chat(question, private=True))
