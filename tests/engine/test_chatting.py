"""A conversation: earlier turns are understood, what a person tells is kept for later ones."""

from __future__ import annotations

import pytest

from alen.engine.chatting import what_is_told

KILN = "The Halden kiln fires stoneware at 1,240 degrees."


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("My dog is called Rex.", "My dog is called Rex."),
        ("Remember that the door code is 4711", "the door code is 4711"),
        ("Please note: the ferry leaves at nine", "the ferry leaves at nine"),
        ("I live in Oslo", "I live in Oslo"),
        ("Ada likes tea and hates coffee.", "Ada likes tea and hates coffee."),
        ("The spare key hangs behind the clock", "The spare key hangs behind the clock"),
    ],
)
def test_a_statement_is_told(message: str, told: str) -> None:
    assert what_is_told(message) == told


@pytest.mark.parametrize(
    "message",
    [
        "What is my dog called?",
        "What is my dog called",
        "Is it called Rex",
        "tell me about the kiln",
        "Show me what is stored",
        "Hello there",
        "Thanks, that is great",
        "It is hot",
        "My dog is called what?",
        "17 + 25",
        "",
        "I wonder who built it",
        "I was just wondering if the kiln is hot.",
        "I'd like to know who owns the kiln.",
        "I would love to know what the kiln costs",
        "We need to know the price it was sold at.",
        "Any idea who built the kiln",
        "I'm not sure who built it.",
        "I am not quite sure when it opens",
        "I don't know who built it.",
        "I don’t really remember where the key hangs",
        "I have no idea what it is called",
        "I forgot where the key is.",
        "Anybody know what it is called",
        "Well, I was curious how old it is",
        "My question is who built it.",
    ],
)
def test_a_question_or_a_greeting_is_not(message: str) -> None:
    assert what_is_told(message) is None


def test_a_question_leans_on_the_one_before(engine):
    engine.teach(KILN, source="manual")
    first = engine.chat("At what degrees does the Halden kiln fire stoneware?")
    second = engine.chat("And who built it?", session=first.session)
    assert first.understood is None
    assert second.understood == "And who built the Halden kiln?"
    assert second.question == "And who built it?"
    assert engine.chat("And who built it?").understood is None
    said = [(message["role"], message["text"]) for message in engine.memory.messages(first.session)]
    assert said[0] == ("user", "At what degrees does the Halden kiln fire stoneware?")
    assert said[2] == ("user", "And who built it?")


def test_what_is_told_is_kept_as_it_was_said(engine):
    engine.teach(KILN, source="manual")
    session = engine.chat("At what degrees does the Halden kiln fire stoneware?").session
    told = engine.chat("Remember that it was built in 1911.", session=session)
    assert told.understood is None
    assert "it was built in 1911." in {hit.passage.text for hit in engine.memory.recollect("built 1911").passages}


def test_no_question_leans_on_being_told_that_it_is_remembered(engine):
    """ "What is it called?" used to become "What is I will remember that. called?"."""
    session = engine.chat("We bought bread yesterday.").session
    assert engine.chat("What is it called?", session=session).understood is None


def test_what_was_told_is_known_in_another_conversation(engine):
    told = engine.chat("My old dog weighs 31 kilos.")
    assert (told.decision, told.text) == ("answer", "I will remember that.")
    engine.chat("My new cat weighs 4 kilos.", session=told.session)
    answer = engine.chat("How much does my old dog weigh?")
    assert answer.session != told.session
    assert answer.evidence[0].source.startswith(f"conversation {told.session}")
    assert answer.candidates[0].text.startswith("31")
    assert engine.chat("How much does my new cat weigh?").candidates[0].text.startswith("4")
    assert engine.stats()["passages"] == 2


def test_a_private_statement_is_not_kept(engine):
    answer = engine.chat("My old dog weighs 31 kilos.", private=True)
    assert "private" in (answer.text or "")
    assert not engine.memory.has_namespace("default")


def test_what_was_told_can_be_erased_with_its_message(engine):
    told = engine.chat("My old dog weighs 31 kilos.")
    [source] = {hit.passage.source for hit in engine.memory.recollect("old dog").passages}
    engine.memory.erase(source=source)
    texts = [message["text"] for message in engine.memory.messages(told.session)]
    assert not any("dog" in text for text in texts)
    assert engine.memory.recollect("old dog").passages == ()
