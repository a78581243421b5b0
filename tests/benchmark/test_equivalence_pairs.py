"""Pairs of answers with known sameness: what is taken from each source, and what is kept apart for the report."""

from __future__ import annotations

import json
import random
from pathlib import Path

from alen.benchmark import equivalence_pairs as pairs
from alen.benchmark.squad import Data, Question

CHANCE = random.Random(0)


def _asked(id: str, passage: str, article: str, *golds: str) -> Question:
    return Question(id, f"Question {id}?", passage, article, golds, not golds)


def test_squad_pairs_are_spans_of_one_question_against_those_of_others() -> None:
    questions = (
        _asked("1", "p", "Force", "the red kiln", "red kiln of Halden"),
        _asked("2", "p", "Force", "Marta Hald"),
        _asked("3", "p", "Force", "red kiln"),
        _asked("4", "q", "Huguenot", "1598", "in 1598"),
        _asked("5", "r", "Oxygen", "air", "the air"),
    )
    found = list(pairs.of_squad(Data((), {}, questions)))
    same = {(pair.first, pair.second, pair.reported) for pair in found if pair.same}
    # "1598" and "in 1598" are different texts; an article for testing is not read.
    assert same == {("the red kiln", "red kiln of Halden", False), ("1598", "in 1598", True)}
    # "red kiln" lies inside an answer to the first question: whether it says the same is not known.
    others = {(pair.first, pair.second) for pair in found if not pair.same}
    assert others == {("the red kiln", "Marta Hald"), ("Marta Hald", "the red kiln"), ("Marta Hald", "red kiln")} | {
        ("red kiln", "Marta Hald")
    }


def test_only_answers_with_something_in_common_are_taken_to_be_the_same() -> None:
    rows = [{"question": "who sang it", "answers": ["Roy Orbison", "Jeff Lynne", "the singer Jeff Lynne"]}]
    assert [(pair.first, pair.second) for pair in pairs.of_lists(rows, "x")] == [
        ("Jeff Lynne", "the singer Jeff Lynne")
    ]
    assert not pairs.tied("The Beatles", "Beatles")  # the same after normalisation: nothing to learn
    assert not pairs.tied("red", "blue")


def test_altered_answers_differ_in_one_thing() -> None:
    rows = [{"question": f"when was it, number {n}", "answers": [f"in {1900 + n}"]} for n in range(20)]
    found = list(pairs.altered(rows, "x", CHANCE))
    assert len(found) == 20
    assert all(pair.first[:3] == pair.second[:3] and pair.first != pair.second and not pair.same for pair in found)


def test_members_of_a_list_of_entities_are_different_things() -> None:
    rows = [{"question": "which finals", "answers": ["1990 NBA Finals", "2004 NBA Finals", "1990 NBA finals"]}]
    found = {frozenset((pair.first, pair.second)) for pair in pairs.of_entities(rows, "x", CHANCE)}
    assert frozenset(("1990 NBA Finals", "1990 NBA finals")) not in found
    assert len(found) == 2


def test_neighbours_are_the_most_alike_answers_to_other_questions() -> None:
    questions = [f"who was it in the year {number}" for number in range(40)]
    questions = [question for question in questions if not pairs._is_reported(question)]
    names = ["Michael Jackson", "Janet Jackson", "Napoleon", "Jackson", "Marie Curie"]
    rows = [{"question": question, "answers": [name]} for question, name in zip(questions, names, strict=False)]
    found = [(pair.first, pair.second) for pair in pairs.neighbours(rows, "x", 1)]
    assert ("Michael Jackson", "Janet Jackson") in found
    assert ("Michael Jackson", "Jackson") not in found  # it may well be the same person


def test_a_question_is_always_on_the_same_side() -> None:
    sides = [pairs._is_reported(f"Question {number}?") for number in range(2000)]
    assert 0.36 < sum(sides) / len(sides) < 0.44
    assert pairs._is_reported("The question 7") == pairs._is_reported("question 7?")


def test_judgements_are_read_with_what_people_said(tmp_path: Path) -> None:
    row = {
        "question": "q",
        "answer": ["Paris"],
        "def_correct_predictions": ["the city of Paris"],
        "poss_correct_predictions": ["France"],
        "def_incorrect_predictions": ["Rome"],
    }
    file = tmp_path / "judged.jsonl"
    file.write_text(json.dumps(row) + "\n", "utf-8")
    assert list(pairs.judged(file)) == [
        ("q", ["Paris"], "the city of Paris", True),
        ("q", ["Paris"], "Rome", False),
    ]
