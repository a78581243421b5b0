"""``alen ask``: the answer in a pipe, in JSON and on a terminal, and what is refused."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import Ran
from tests.cli.scripted_engine import EMPTY, NOWHERE, ScriptedEngine, known, unknown

Alen = Callable[..., Ran]


def test_json_is_one_object_that_fits_the_schema(alen: Alen, engine: ScriptedEngine) -> None:
    ran = alen("ask", "How hot?", "--json", "--session", "s9", "--effort", "fast", "--private", "--namespace", "kilns")
    value = ran.json("ask")
    assert ran.code == 0
    assert value["answer"] == "1,240 degrees Celsius"
    assert engine.calls == [("ask", {"question": "How hot?", "session": "s9", "effort": "fast", "private": True})]
    assert engine.opened is not None
    assert engine.opened.namespace == "kilns"
    assert engine.closed


def test_an_abstention_has_no_answer_and_is_no_failure(alen: Alen, engine: ScriptedEngine) -> None:
    engine.script["Which bank?"] = unknown()
    ran = alen("ask", "Which bank?", "--json")
    value = ran.json("ask")
    assert ran.code == 0
    assert value["answer"] is None
    assert value["confidence"] == value["candidates"][0]["confidence"] == 0.23


def test_a_pipe_gets_plain_text(alen: Alen, engine: ScriptedEngine) -> None:
    ran = alen("ask", "How hot?")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert ran.out.splitlines()[:2] == ["1,240 degrees Celsius", "confidence 93 % (88 to 97 %)"]
    assert "kiln.md · page 3 · characters 100–" in ran.out
    assert "It fires stoneware at 1,240 degrees Celsius." in ran.out


def test_the_explanation_is_the_answers_own(alen: Alen, engine: ScriptedEngine) -> None:
    ran = alen("ask", "How hot?", "--explain")
    assert ran.code == 0
    assert ran.out == known("How hot?").explain() + "\n"
    engine.script["Which bank?"] = unknown()
    assert alen("ask", "Which bank?", "--explain").out == unknown().explain() + "\n"
    # One JSON object holds it all already.
    assert alen("ask", "How hot?", "--explain", "--json").json("ask")["answer"] == "1,240 degrees Celsius"


def test_an_explanation_cannot_drive_the_terminal(alen: Alen, engine: ScriptedEngine) -> None:
    engine.script["Which bank?"] = unknown(guess="\x1b]0;owned\x07Lloyds")
    assert not set(alen("ask", "Which bank?", "--explain").out) & {"\x1b", "\x07"}


def test_an_explanation_of_what_was_taught(alen: Alen, filled: dict[str, str]) -> None:
    """Over the real engine: a taught answer needs no model."""
    ran = alen("ask", "Where is the spare key kept?", "--explain", "--private")
    lines = ran.out.splitlines()
    assert (ran.code, lines[1].rstrip(".")) == (0, "Answer: In the blue pot")
    assert "Proposed by: heuristic" in lines
    assert "Log-odds of being right: +4.53, the sum of" in lines
    assert "  +4.53  before any check" in lines
    assert any(line.startswith("  [episode ") and "In the blue pot" in line for line in lines)


def test_a_terminal_gets_colours(alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.cli.ask.on_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    ran = alen("ask", "How hot?")
    assert "\x1b[1;32m1,240 degrees Celsius\x1b[0m" in ran.out
    assert "━━━" in ran.out


def test_a_question_from_stdin(alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Wie heiß?".encode())))
    alen("ask", "-")
    assert engine.calls[0][1]["question"] == "Wie heiß?"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hei\xdf")))
    assert "position 3" in alen("ask", "-", "--json").error(2)["found"]


@pytest.mark.parametrize("question", ["", "  \n", None])
def test_an_empty_question_is_refused(alen: Alen, engine: ScriptedEngine, question: str | None) -> None:
    failure = alen("ask", *([question] if question is not None else []), "--json").error(2)
    assert failure["field"] == "question"
    assert failure["hint"]
    assert not engine.calls


def test_the_engines_errors_keep_their_parts_and_code(alen: Alen, engine: ScriptedEngine) -> None:
    engine.script = {"Where?": NOWHERE, "??": EMPTY}
    failure = alen("ask", "Where?", "--json").error(2)
    assert failure["type"] == "UnknownNamespace"
    assert (failure["field"], failure["found"], failure["allowed"]) == ("namespace", "'nowhere'", "default")
    assert alen("ask", "??", "--json").error(2)["type"] == "BadInput"
    plain = alen("ask", "Where?")
    assert plain.out == ""
    assert plain.err == (
        "error: namespace: found 'nowhere'. Allowed: default. Teach it first: alen teach --namespace nowhere FILE\n"
    )


def test_bytes_that_are_no_text_are_refused(alen: Alen, engine: ScriptedEngine) -> None:
    assert "UTF-8" in alen("ask", "caf\udce9", "--json").error(2)["found"]
    assert not engine.calls
