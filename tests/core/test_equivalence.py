"""When two answers say the same."""

from __future__ import annotations

import pytest

from alen.core.equivalence import equivalent, normalise, overlap


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The Normans", "normans"),
        ("1,240 degrees", "1240 degrees"),
        ("four", "4"),
        ("42", "42 apples"),
        ("3.0 kg", "3 kg"),
        ("Marta Hald.", "marta hald"),
    ],
)
def test_same(first, second):
    assert equivalent(first, second)
    assert equivalent(second, first)


@pytest.mark.parametrize(("first", "second"), [("42", "43"), ("3 kg", "3 miles"), ("Marta Hald", "Marta"), ("", "a b")])
def test_different(first, second):
    assert not equivalent(first, second)


def test_overlap_by_hand():
    # Two of three and two of two tokens shared: precision 2/3, recall 1, F1 0.8.
    assert overlap("big red kiln", "red kiln") == pytest.approx(0.8)
    assert overlap("red", "blue") == 0.0


def test_normalise():
    assert normalise("The  1,240-degree (hot) Kiln!") == "1240 degree hot kiln"
