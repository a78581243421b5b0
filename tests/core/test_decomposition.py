"""Questions that need two facts are taken apart; others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.core.decomposition import SLOT, Chain, Comparison, decompose, filled
from tests.pace import within


@pytest.mark.parametrize(
    ("question", "first", "then"),
    [
        (
            "In which town is the foundry that supplies the capsules of the Merrow?",
            "Which foundry supplies the capsules of the Merrow?",
            f"In which town is {SLOT}?",
        ),
        (
            "When was the company that makes the Merrow founded?",
            "Which company makes the Merrow?",
            f"When was {SLOT} founded?",
        ),
        ("Where does the man who repairs the ferry live?", "Who repairs the ferry?", f"Where does {SLOT} live?"),
        ("Who is the wife of the founder of Corvane?", "Who is the founder of Corvane?", f"Who is the wife of {SLOT}?"),
        ("When was the founder of Corvane born?", "Who is the founder of Corvane?", f"When was {SLOT} born?"),
    ],
)
def test_a_chain(question: str, first: str, then: str) -> None:
    assert decompose(question) == Chain(first, then)


def test_the_answer_takes_the_slot() -> None:
    assert filled(f"In which town is {SLOT}?", "the Ostlin Foundry") == "In which town is the Ostlin Foundry?"


@pytest.mark.parametrize(
    ("question", "one", "other", "sign"),
    [
        ("Which is heavier, the Merrow or the Skerry?", "the Merrow", "the Skerry", "more"),
        ("Who is younger: Ada or Iris?", "Ada", "Iris", "less"),
        ("Which one is cheaper, the Merrow or the Skerry?", "the Merrow", "the Skerry", "less"),
    ],
)
def test_a_comparison(question: str, one: str, other: str, sign: str) -> None:
    found = decompose(question)
    assert isinstance(found, Comparison)
    assert (found.one, found.other, found.sign) == (one, other, sign)
    assert all("{}" in asked for asked in found.questions)


@pytest.mark.parametrize(
    "question",
    [
        "Who founded the house?",
        "What is 17 + 25?",
        "How hot does the Halden kiln get?",
        "Who is the founder of Corvane?",
    ],
)
def test_one_fact_is_one_question(question: str) -> None:
    assert decompose(question) is None


@given(st.text(max_size=400))
def test_no_text_is_too_strange(question: str) -> None:
    decompose(question)


@pytest.mark.parametrize(
    "question", ["the a that " * 27, "the x of " * 33, "which is older, " + "a or " * 55, "the " * 9999]
)
def test_hostile_questions_are_no_work(question: str) -> None:
    with within(2):
        decompose(question)
