"""The chat screen over a scripted engine: send, see, stop, fail, leave."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from alen_chat.answer_card import AnswerCard
from alen_chat.app import LOADING, ChatApp
from alen_chat.composer import Composer
from alen_chat.conversation import Conversation
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Collapsible, Static

from alen.errors import HomeNotWritable
from tests.cli.scripted_engine import NOWHERE, ScriptedEngine, unknown


def chat(engine: ScriptedEngine) -> ChatApp:
    return ChatApp(Conversation(lambda: engine))


async def send(pilot: Pilot[Exception], text: str) -> None:
    pilot.app.query_one(Composer).value = text
    await pilot.press("enter")


async def until(pilot: Pilot[Exception], holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not happen within five seconds")


def shown(app: App[Exception]) -> str:
    """All text on the screen."""
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())


async def until_shown(pilot: Pilot[Exception], text: str) -> None:
    await until(pilot, lambda: text in shown(pilot.app))


def card(app: ChatApp) -> AnswerCard:
    return app.query(AnswerCard).last()


async def test_an_answer_appears_with_its_confidence_and_folded_evidence() -> None:
    engine = ScriptedEngine()
    app = chat(engine)
    async with app.run_test(size=(100, 40)) as pilot:
        await send(pilot, "How hot [b]is[/b] it?")
        await until_shown(pilot, "episode e1")
        text = shown(app)
        assert "How hot [b]is[/b] it?" in text
        assert "1,240 degrees Celsius" in text
        assert "93 %" in text
        assert "88 to 97 %" in text
        assert "fires stoneware" not in text
        evidence = card(app).query_one("Collapsible.evidence", Collapsible)
        evidence.collapsed = False
        await until_shown(pilot, "fires stoneware at 1,240")
        assert "kiln.md · page 3 · characters 100–" in shown(app)


async def test_the_session_goes_on() -> None:
    engine = ScriptedEngine()
    conversation = Conversation(lambda: engine, effort="fast", private=True)
    app = ChatApp(conversation)
    async with app.run_test() as pilot:
        for number, question in enumerate(["one", "two"], 1):
            await send(pilot, question)
            await until(pilot, lambda number=number: conversation.answered == number and not app._card)
    asked = [call for name, call in engine.calls if name == "ask"]
    assert [call["session"] for call in asked] == ["s1", "s1"]
    assert asked[1] == {"question": "two", "session": "s1", "effort": "fast", "private": True}


async def test_the_first_answer_says_that_models_load_and_the_screen_stays_alive() -> None:
    engine = ScriptedEngine()
    gate = threading.Event()

    def slow_open() -> ScriptedEngine:
        gate.wait(10)
        return engine

    app = ChatApp(Conversation(slow_open))
    async with app.run_test() as pilot:
        await send(pilot, "How hot?")
        await until_shown(pilot, LOADING)
        await pilot.press("n", "e", "x", "t")
        assert app.query_one(Composer).value == "next"
        await pilot.press("enter")
        assert len(app.query(AnswerCard)) == 1
        assert app.query_one(Composer).value == "next"
        gate.set()
        await until_shown(pilot, "1,240")


async def test_stages_are_shown_as_text_and_escape_stops() -> None:
    engine = ScriptedEngine()
    engine.holding = threading.Event()
    app = chat(engine)
    async with app.run_test() as pilot:
        await send(pilot, "How hot?")
        await until_shown(pilot, "reading [3] passages")
        await pilot.press("escape")
        await until_shown(pilot, "Stopped.")
        assert card(app).has_class("stopped")
        engine.holding = None
        await send(pilot, "And now?")
        await until_shown(pilot, "93 %")


async def test_escape_before_the_engine_is_open_stops_too() -> None:
    gate = threading.Event()
    engine = ScriptedEngine()

    def slow_open() -> ScriptedEngine:
        gate.wait(10)
        return engine

    app = ChatApp(Conversation(slow_open))
    async with app.run_test() as pilot:
        await send(pilot, "How hot?")
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: card(app).has_class("stopped"))
    assert not engine.calls


async def test_an_error_is_a_message_and_the_question_comes_back() -> None:
    app = chat(ScriptedEngine({"Where?": NOWHERE, "Odd?": ValueError("[red]odd\x1b[2J")}))
    async with app.run_test(size=(100, 40)) as pilot:
        await send(pilot, "Where?")
        await until_shown(pilot, "Teach it first")
        assert card(app).has_class("failed")
        assert app.query_one(Composer).value == "Where?"
        await send(pilot, "Odd?")
        await until_shown(pilot, "[red]odd␛[2J")


async def test_an_abstention_says_so_with_its_guess() -> None:
    app = chat(ScriptedEngine({"Which bank?": unknown()}))
    async with app.run_test(size=(100, 40)) as pilot:
        await send(pilot, "Which bank?")
        await until_shown(pilot, "not stored")
        assert card(app).has_class("abstain")
        text = shown(app)
        assert "I don't know. Nothing taught says so." in text
        assert "Lloyds" in text
        assert "23 %" in text
        assert not card(app).query("Collapsible.evidence")


async def test_quitting_stops_the_answer() -> None:
    engine = ScriptedEngine()
    engine.holding = threading.Event()
    conversation = Conversation(lambda: engine)
    app = ChatApp(conversation)
    async with app.run_test() as pilot:
        await send(pilot, "How hot?")
        await until(pilot, lambda: bool(engine.calls))
        await pilot.press("ctrl+q")
    conversation.close()
    assert engine.closed
    assert app.return_value is None


async def test_an_engine_that_cannot_open_ends_the_app_with_its_error() -> None:
    error = HomeNotWritable("ALEN_HOME", "/dev/null/x", "a folder", "Set ALEN_HOME.")

    def fail() -> ScriptedEngine:
        raise error

    app = ChatApp(Conversation(fail))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value is error


async def test_up_brings_back_what_was_sent() -> None:
    app = chat(ScriptedEngine())
    async with app.run_test() as pilot:
        await send(pilot, "   ")
        assert not app.query(AnswerCard)
        await send(pilot, "How hot?")
        await until(pilot, lambda: bool(app.query(".cost")))
        assert app.query_one(Composer).value == ""
        await pilot.press("up")
        assert app.query_one(Composer).value == "How hot?"
        await pilot.press("down")
        assert app.query_one(Composer).value == ""


@pytest.mark.parametrize("width", [24, 60, 160])
async def test_any_width_works(width: int) -> None:
    app = chat(ScriptedEngine())
    async with app.run_test(size=(width, 20)) as pilot:
        await send(pilot, "How hot does the kiln get in the end?")
        await until(pilot, lambda: bool(app.query(".cost")))
        await pilot.pause()
        assert card(app).query_one(".verdict", Static).size.height > 0
