"""Other wordings keep the words that matter."""

from __future__ import annotations

import random

from alen.text.rewording import asked_otherwise, keywords, reword

QUESTION = "In which year was the Halden kiln built?"


def test_wordings_differ_and_keep_what_is_asked_about() -> None:
    chance = random.Random(0)
    made = {reword(QUESTION, chance) for _ in range(60)}
    assert len(made) > 15
    assert all("Halden" in each and "kiln" in each and "built" in each for each in made)
    assert any(each.lower().startswith("when was") for each in made)
    assert any(len(each.split()) == 4 for each in made)


def test_the_same_chance_makes_the_same() -> None:
    one, other = random.Random(3), random.Random(3)
    assert [reword(QUESTION, one) for _ in range(9)] == [reword(QUESTION, other) for _ in range(9)]


def test_what_is_measured_is_never_made() -> None:
    chance = random.Random(1)
    held_out = asked_otherwise(QUESTION)
    assert held_out == "Somebody wants to know in which year was the Halden kiln built, what do I say?"
    assert held_out not in {reword(QUESTION, chance) for _ in range(500)}


def test_a_question_of_little_words_stays() -> None:
    assert keywords("Who is it", random.Random(0)) == "Who is it"
    assert set(keywords("Who built the Halden kiln", random.Random(0)).split()) == {"built", "Halden", "kiln"}
