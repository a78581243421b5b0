"""``alen ask --file --out``: one line per question, ids kept, safe to stop and to start again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput, Cancelled
from tests.cli.conftest import Ran, check
from tests.cli.scripted_engine import ScriptedEngine, unknown

Alen = Callable[..., Ran]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [{"id": number, "question": f"Question {number}?"} for number in range(5)]
    rows.append({"id": "q-ü", "question": "Which bank?", "answers": [], "unanswerable": True})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def asked(engine: ScriptedEngine) -> list[str]:
    return [call["question"] for _, call in engine.calls]


def test_each_question_becomes_a_line_with_its_id(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    engine.script["Which bank?"] = unknown()
    out = file.with_name("answers.jsonl")
    ran = alen("ask", "--file", file, "--out", out, "--json", "--private")
    summary = ran.json("ask_file")
    assert (summary["asked"], summary["answered"], summary["skipped"]) == (6, 5, 0)
    assert [row["id"] for row in lines(out)] == [0, 1, 2, 3, 4, "q-ü"]
    for row in lines(out):
        check(row, "ask_line")
    assert all(call["private"] for _, call in engine.calls)
    assert "asking 6/6" in ran.err


def test_a_second_run_asks_nothing(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    out = file.with_name("answers.jsonl")
    alen("ask", "--file", file, "--out", out)
    before = out.read_bytes()
    engine.calls.clear()
    assert "0 asked (0 answered, 0 not), 6 already in" in alen("ask", "--file", file, "--out", out).out
    assert out.read_bytes() == before
    assert not engine.calls


@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_a_torn_last_line_is_repaired(alen: Alen, engine: ScriptedEngine, file: Path, cut: int) -> None:
    """A killed run can leave any part of a line; the question of that line is asked again, no other."""
    out = file.with_name("answers.jsonl")
    alen("ask", "--file", file, "--out", out)
    whole = lines(out)
    out.write_bytes(out.read_bytes()[:-cut])
    engine.calls.clear()
    alen("ask", "--file", file, "--out", out)
    assert lines(out) == whole
    assert asked(engine) == ["Which bank?"]


def test_a_stopped_run_keeps_what_it_has_and_goes_on(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    out = file.with_name("answers.jsonl")
    engine.script["Question 3?"] = Cancelled("The answer was stopped.")
    ran = alen("ask", "--file", file, "--out", out)
    assert ran.code == 130
    assert "3 of 6 are in" in ran.err
    assert [row["id"] for row in lines(out)] == [0, 1, 2]
    engine.script.clear()
    engine.calls.clear()
    assert alen("ask", "--file", file, "--out", out, "--json").json("ask_file")["skipped"] == 3
    assert asked(engine) == ["Question 3?", "Question 4?", "Which bank?"]


def test_a_broken_line_is_named_by_its_number_before_anything_is_asked(
    alen: Alen, engine: ScriptedEngine, file: Path
) -> None:
    rows = file.read_text("utf-8").splitlines()
    rows[3] = rows[3][:-4]
    file.write_text("\n".join(rows), "utf-8")
    out = file.with_name("answers.jsonl")
    failure = alen("ask", "--file", file, "--out", out, "--json").error(2)
    assert "line 4" in failure["message"]
    assert not engine.calls
    assert not out.exists()


def test_a_line_without_a_question_is_named(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"id": 9}\n')
    assert "line 7" in alen("ask", "--file", file, "--out", file.with_name("o"), "--json").error(2)["message"]


def test_a_question_that_the_engine_refuses_is_named_by_its_id(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    engine.script["Question 1?"] = BadInput("question", "9,000 characters", "8,000", "Shorten it.")
    out = file.with_name("answers.jsonl")
    assert "id 1" in alen("ask", "--file", file, "--out", out, "--json").error(2)["field"]
    assert len(lines(out)) == 1


def test_a_file_of_something_else_is_not_written_to(alen: Alen, engine: ScriptedEngine, file: Path) -> None:
    out = file.with_name("notes.txt")
    for text in ("My notes\nare here", "My notes"):
        out.write_text(text)
        assert "line 1" in alen("ask", "--file", file, "--out", out, "--json").error(2)["field"]
        assert out.read_text() == text
    before = file.read_bytes()
    assert alen("ask", "--file", file, "--out", file).code == 2
    assert file.read_bytes() == before
    assert alen("ask", "--file", file, "--out", file.parent).code == 2
    assert alen("ask", "--file", file, "--out", file / "below").code == 2
    assert not engine.calls


def test_a_missing_file_is_named(alen: Alen, engine: ScriptedEngine, tmp_path: Path) -> None:
    assert alen("ask", "--file", tmp_path / "none", "--out", tmp_path / "out", "--json").error(2)
    assert not (tmp_path / "out").exists()
