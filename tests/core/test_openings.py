"""Courtesies around a question are no part of it; words that only look like them are."""

from __future__ import annotations

import pytest

from alen.core.openings import without_courtesy
from tests.pace import within


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Could you tell me who built the gauge?", "who built the gauge?"),
        ("Could you please tell me: who built the gauge?", "who built the gauge?"),
        ("Hello! Do you happen to know, when it was built?", "when it was built?"),
        ("Hi there, can anyone let me know where it hangs", "where it hangs"),
        ("I'd like to know how many halls there are.", "how many halls there are."),
        ("I’m curious: what hangs in hall four?", "what hangs in hall four?"),
        ("Quick question: which hall is it?", "which hall is it?"),
        ("Who built the gauge, please?", "Who built the gauge?"),
        ("Who built the gauge; do you know?", "Who built the gauge?"),
        ("May I ask why it hangs there, if I may ask?", "why it hangs there?"),
    ],
)
def test_the_question_is_left(said: str, asked: str) -> None:
    assert without_courtesy(said) == asked


@pytest.mark.parametrize(
    "question",
    [
        "Who built the gauge?",
        "Could you tell me?",
        "Do you know?",
        "Can you swim?",
        "Tell me about the gauge.",
        "What could you tell me about it?",
        "Would you know him?",
        "Did she say please?",
        "So what?",
        "Who sang Hello?",
        "Is the answer to Who Goes There, please, known?",
        "",
    ],
)
def test_what_is_no_courtesy_stays(question: str) -> None:
    assert without_courtesy(question) == question


@pytest.mark.parametrize("text", ["hello, " * 20_000, "please " * 20_000, "who " + " " * 100_000, "," * 100_000])
def test_long_texts_take_no_time(text: str) -> None:
    with within(1):
        without_courtesy(text)
