"""What leans on earlier turns is understood by them; what does not stays word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.core.dialogue import Turn, resolve
from tests.pace import within

FOUNDED = Turn("Who founded Corvane & Daughters?", "Matthias Corvane")
LEADS = Turn("Who leads the house?", "Ada Corvane")
KILN = Turn("How hot does the Halden kiln get?", "1,240 degrees")
MERROW = Turn("How heavy is the Merrow?", "2 kg")


@pytest.mark.parametrize(
    ("turn", "message", "meant"),
    [
        (FOUNDED, "When was it founded?", "When was Corvane & Daughters founded?"),
        (FOUNDED, "When was he born?", "When was Matthias Corvane born?"),
        (FOUNDED, "And who was his wife?", "And who was Matthias Corvane's wife?"),
        (LEADS, "Where does she live?", "Where does Ada Corvane live?"),
        (LEADS, "What is her address?", "What is Ada Corvane's address?"),
        (LEADS, "Who taught her?", "Who taught Ada Corvane?"),
        (KILN, "Who built it?", "Who built the Halden kiln?"),
        (Turn("How hot does the kiln get?", "1,240 degrees"), "Who built it?", "Who built the kiln?"),
        (MERROW, "And the Skerry?", "How heavy is the Skerry?"),
        (MERROW, "What about the Skerry", "How heavy is the Skerry?"),
        (Turn("Where is the Merrow made?", "Pellmouth"), "How many live there?", "How many live in Pellmouth?"),
        (Turn("How many were sold in 1950?", "12"), "And in 1960?", "How many were sold in 1960?"),
        (Turn("What is my dog called?", "Rex"), "How old is he?", "How old is Rex?"),
        (Turn("Where do I keep the spare key?", "here"), "Who else has it?", "Who else has the spare key?"),
        (Turn("Who keeps the books?", "Iris"), "What are its hours?", "What are the books' hours?"),
    ],
)
def test_understood(turn: Turn, message: str, meant: str) -> None:
    assert resolve(message, [turn]) == meant


@pytest.mark.parametrize(
    "message",
    [
        "Is it true that there is a tide gauge?",
        "Who is Ada and where does she live?",
        "What is 17 + 25?",
        "Are there any rules?",
        "Who sells barometers?",
        "And what about who built it all?" * 4,
    ],
)
def test_left_as_it_is(message: str) -> None:
    assert resolve(message, [MERROW])[1:] == message[1:] or "it" in message.split()


def test_nothing_before() -> None:
    assert resolve("When was it founded?", []) == "When was it founded?"


def test_an_earlier_turn_counts_when_the_last_names_nobody() -> None:
    turns = [FOUNDED, Turn("How many work there today?", "45")]
    assert resolve("When was he born?", turns) == "When was Matthias Corvane born?"


def test_an_abstention_leaves_nothing_to_lean_on() -> None:
    assert resolve("When was he born?", [Turn("Who painted the door?", None)]) == "When was he born?"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_no_text_is_too_strange(message: str, question: str, answer: str) -> None:
    assert isinstance(resolve(message, [Turn(question, answer)]), str)


@pytest.mark.parametrize("message", ["it " * 1300, "the " * 1300 + "it", "and " * 1300, "A" * 4000 + " it"])
def test_long_messages_are_no_work(message: str) -> None:
    with within(2):
        resolve(message, [Turn("the " * 900 + "it?", "a")])
