"""When two answers say the same, by a table of pairs that people would agree on."""

from __future__ import annotations

import pytest

from alen.core.equivalence import compare, equivalent, normalise, number_of, overlap
from tests.core.equivalence_cases import NOT_SAME, OPTIONS, SAME, WITH_OPTIONS, WITH_QUESTION


def _cases(table: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str, str]]:
    return [(kind, first, second) for kind, pairs in table.items() for first, second in pairs]


def test_the_table_is_large_enough() -> None:
    assert len(_cases(SAME)) + len(_cases(NOT_SAME)) >= 150


@pytest.mark.parametrize(("kind", "first", "second"), _cases(SAME))
def test_same(kind: str, first: str, second: str) -> None:
    assert equivalent(first, second), compare(first, second)
    assert equivalent(second, first)


@pytest.mark.parametrize(("kind", "first", "second"), _cases(NOT_SAME))
def test_not_same(kind: str, first: str, second: str) -> None:
    assert not equivalent(first, second), compare(first, second)
    assert not equivalent(second, first)


@pytest.mark.parametrize(("question", "first", "second", "same"), WITH_QUESTION)
def test_the_question_tells_what_is_meant(question: str, first: str, second: str, same: bool) -> None:
    found = compare(first, second, question=question)
    assert bool(found) is same, found
    assert equivalent(second, first, question=question) is same


@pytest.mark.parametrize(("first", "second", "same"), WITH_OPTIONS)
def test_options(first: str, second: str, same: bool) -> None:
    assert equivalent(first, second, options=OPTIONS) is same
    assert equivalent(second, first, options=OPTIONS) is same


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("Paris", "paris", "text"),
        ("the U.S.", "United States", "words"),
        ("1.5 km", "1500 m", "quantity"),
        ("1066", "14 October 1066", "partial date"),
        ("1066", "1067", "date"),
        ("no", "yes", "yes or no"),
        ("North Korea", "South Korea", "opposite"),
        ("Paris", "not Paris", "negation"),
        ("Apollo 11", "Apollo 13", "number"),
        ("NATO", "North Atlantic Treaty Organization", "acronym"),
        ("the kiln at Halden", "a kiln in the town of Halden", "head"),
        ("", "Paris", "empty"),
    ],
)
def test_the_rule_that_decided_is_told(first: str, second: str, rule: str) -> None:
    assert compare(first, second).rule == rule


def test_a_surname_stands_for_the_name_only_where_somebody_is_asked_for() -> None:
    assert compare("Hald", "Marta Hald", question="Who built it?").rule == "name"
    assert compare("Hald", "Marta Hald").rule == "head"


def test_a_date_that_says_less_is_neither_the_same_nor_a_contradiction() -> None:
    assert compare("1066", "14 October 1066").probability == 0.5
    assert compare("1067", "14 October 1066").probability == 0.0


def test_overlap_by_hand() -> None:
    # Two of three and two of two tokens shared: precision 2/3, recall 1, F1 0.8.
    assert overlap("big red kiln", "red kiln") == pytest.approx(0.8)
    assert overlap("red", "blue") == 0.0


def test_normalise() -> None:
    assert normalise("The  1,240-degree (hot) Kiln!") == "1240 degree hot kiln"


def test_number_of() -> None:
    assert number_of("1,240 degrees") == (1240, "degrees")
    assert number_of("degrees") is None
    assert number_of("9" * 5000) is None
