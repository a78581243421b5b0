"""Rows of the data and their answers: what counts as right, as grounded, and as a row that cannot be graded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alen.text.questions import asked_text
from alen.types import Check, Evidence
from alen.validation.graded import Graded, grade, record
from tests.validation.graded_rows import answer, passage

KILN = "The Halden kiln fires stoneware at 1,240 degrees Celsius."
ROW = {"id": 1, "question": "How hot?", "answers": ["1,240 degrees"], "context": "kiln"}


def graded(row: dict[str, Any], text: str | None, **options: Any) -> Graded:
    """The row graded after its answer has been to the file and back."""
    line = json.loads(json.dumps({"id": row["id"], **record(answer(row["question"], text, **options), 12.5)}))
    return grade(row, line)


def test_what_the_file_of_answers_keeps_is_all_that_grading_needs() -> None:
    found = graded(ROW, "1,240 degrees", evidence=(passage("kiln", KILN),), checks=(Check("type", "pass", 1.0),))
    assert (found.right, found.grounded, found.answered) == (True, True, True)
    assert (found.group, found.family, found.tokens) == ("kiln", "read", 7)
    assert found.checks == (Check("type", "pass", 1.0),)
    assert found.milliseconds == 7.5  # the model loaded for 5 of them
    assert found.rests_on[0].text == KILN


def test_a_declined_answer_is_graded_by_its_best_candidate() -> None:
    found = graded(ROW, "1,240 degrees", confidence=0.3)
    assert (found.right, found.answered) == (True, False)
    nothing = graded(ROW, None)
    assert (nothing.right, nothing.text, nothing.confidence, nothing.grounded) == (False, None, 0.0, False)


@pytest.mark.parametrize(
    ("context", "evidence", "grounded"),
    [
        ("kiln", (passage("kiln", KILN),), True),
        (7, (passage("7", KILN),), True),
        ("kiln", (passage("ferry", KILN),), False),
        ("kiln", (passage("ferry", "The ferry leaves."), passage("kiln", KILN)), True),
        (f"Before. {KILN} After.", (passage("3", KILN.replace(" ", "  ")),), True),  # a piece of the row's text
        (KILN, (passage("3", f"Before. {KILN}"),), True),  # and the other way round
        ("the", (passage("3", KILN),), False),  # an id that stands in the passage by chance
        (f"Another text. {KILN}", (passage("3", ""),), False),
        ("kiln", (), False),
        (None, (passage("kiln", KILN),), None),
        ("", (passage("kiln", KILN),), None),
    ],
)
def test_grounds_are_the_passage_that_the_row_names(
    context: Any, evidence: tuple[Evidence, ...], grounded: bool | None
) -> None:
    assert graded({**ROW, "context": context}, "1,240 degrees", evidence=evidence).grounded is grounded


@pytest.mark.parametrize(("status", "grounded"), [("pass", True), ("fail", False), ("not_applicable", False)])
def test_a_derivation_stands_on_its_symbolic_check(status: Any, grounded: bool) -> None:
    sums = (Evidence("arithmetic", "derivation", "17 + 25 = 42", "exact arithmetic", None, 0, 0, 1.0),)
    row = {"id": 2, "question": "What is 17 + 25?", "answers": ["42"]}
    assert graded(row, "42", evidence=sums, checks=(Check("symbolic", status, 1.0),)).grounded is grounded


def test_options_are_asked_with_letters_and_graded_with_or_without() -> None:
    row = {"id": 3, "question": "Which metal?", "answers": ["brass"], "options": ["tin", "brass"]}
    assert asked_text(row) == "Which metal?\nA) tin\nB) brass"
    assert [graded(row, said).right for said in ("B", "(b)", "b.", "Brass", "A", "tin", "C")] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_an_option_that_shares_most_words_with_the_right_one_is_wrong() -> None:
    row = {"id": 4, "question": "Where?", "answers": ["B"], "options": ["New York City", "New York State"]}
    assert graded(row, "in New York State").right
    assert not graded(row, "New York City").right
    assert not graded(row, "New York").right  # as near to the one as to the other
