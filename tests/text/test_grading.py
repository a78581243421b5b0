"""Grading against values worked out by hand."""

from __future__ import annotations

import pytest

from alen.text import grading


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Halden Kiln!", "halden kiln"),
        ("  an   apple, a day ", "apple day"),
        ("1,240 degrees", "1240 degrees"),
        ("theatre of Athena", "theatre of athena"),
        ("U.S.", "us"),
        ("the", ""),
    ],
)
def test_normalisation(text: str, expected: str) -> None:
    assert grading.normalise_answer(text) == expected


@pytest.mark.parametrize(
    ("answer", "golds", "f1", "exact"),
    [
        ("in the 10th century", ["10th century"], 0.8, 0.0),  # 2 shared of 3 and 2: 2*2/5
        ("10th Century.", ["late 10th century", "the 10th century"], 1.0, 1.0),  # best of the golds
        ("to to be", ["to be to be"], 6 / 7, 0.0),  # repeated tokens count as often as both have them
        ("Paris", ["London"], 0.0, 0.0),
        ("", ["London"], 0.0, 0.0),
        (None, ["London"], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("Paris", [], 0.0, 0.0),
    ],
)
def test_f1_and_exact_match(answer: str | None, golds: list[str], f1: float, exact: float) -> None:
    assert grading.token_f1(answer, golds) == pytest.approx(f1)
    assert grading.exact_match(answer, golds) == exact


def test_right_means_answerable_and_half_the_tokens() -> None:
    assert grading.is_right("King Rollo of", ["Rollo"])  # F1 is exactly 0.5
    assert not grading.is_right("King Rollo of Normandy", ["Rollo"])  # F1 is 0.4
    assert not grading.is_right("Rollo", ["Rollo"], unanswerable=True)
    assert not grading.is_right("", [])
    assert not grading.is_right(None, ["Rollo"])
