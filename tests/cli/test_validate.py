"""``alen validate``: figures as one JSON object, a report, answers that outlive a stop, bad requests named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput, Cancelled
from tests.cli.conftest import Ran
from tests.cli.scripted_engine import ScriptedEngine, unknown

Alen = Callable[..., Ran]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are not what is tested here."""
    monkeypatch.setattr("alen.validation.sample.DRAWS", 20)
    monkeypatch.setattr("alen.validation.measuring.SIMULATIONS", 20)


@pytest.fixture
def data(tmp_path: Path, engine: ScriptedEngine) -> Path:
    """Four questions that get the right answer, one that gets a wrong one, one that is declined rightly."""
    engine.script["Which bank?"] = unknown()
    rows: list[dict[str, Any]] = [
        {"id": n, "question": f"How hot is kiln {n}?", "answers": ["1,240 degrees Celsius"], "context": "p7"}
        for n in range(4)
    ]
    rows.append({"id": "cold", "question": "How cold is it?", "answers": ["minus four"], "context": "p8"})
    rows.append({"id": "bänk", "question": "Which bank?", "answers": [], "unanswerable": True})
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def asked(engine: ScriptedEngine) -> list[str]:
    return [call["question"] for name, call in engine.calls if name == "ask"]


def test_one_json_object_with_every_figure(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    ran = alen("validate", "--data", data, "--namespace", "yard", "--json")
    found = ran.json("validate")
    assert found["metrics"]["answer_accuracy"]["value"] == pytest.approx(5 / 6)
    assert found["metrics"]["reasoning_accuracy"]["value"] == pytest.approx(4 / 5)
    assert found["metrics"]["verification_rate"]["n"] == 6
    assert found["metrics"]["safe_first_person_rate"]["n"] in (0, 6)
    assert (found["questions"], found["answered"], found["report"], found["answers"]) == (6, 5, None, None)
    assert all(call["private"] for _, call in engine.calls)
    assert engine.opened is not None
    assert engine.opened.namespace == "yard"
    assert engine.closed
    assert "asking 0/6" in ran.err


def test_the_headline_in_words(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    text = alen("validate", "--data", data).out
    assert "answer accuracy" in text
    assert "83.3 %" in text
    assert "AUROC of the probability" in text
    assert "verification precision" in text
    assert "ECE of perfect probabilities" in text


def test_passages_are_taught_first(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    passages = data.with_name("passages.jsonl")
    passages.write_text('{"id": "p7", "text": "The kiln."}\n')
    assert alen("validate", "--data", data, "--passages", passages).code == 0
    assert engine.calls[0][0] == "teach"
    assert engine.calls[0][1]["passages"] == passages


def test_a_report_with_its_answers_and_figures(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    folder = data.parent / "new" / "report"
    found = alen("validate", "--data", data, "--report", folder, "--json").json("validate")
    assert {file.name for file in folder.iterdir()} == {"answers.jsonl", "metrics.json", "report.html"}
    assert found["report"] == str(folder / "report.html")
    assert json.loads((folder / "metrics.json").read_text("utf-8"))["metrics"] == found["metrics"]
    page = (folder / "report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "minus four" in page
    assert "<h1><bdi>Validation on questions.jsonl</bdi></h1>" in page


def test_a_second_run_asks_nothing_and_finds_the_same(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    folder = data.parent / "report"
    first = alen("validate", "--data", data, "--report", folder, "--json").json("validate")
    answers = (folder / "answers.jsonl").read_bytes()
    engine.calls.clear()
    second = alen("validate", "--data", data, "--report", folder, "--json").json("validate")
    assert not engine.calls
    assert (second["asked"], second["skipped"]) == (0, 6)
    assert second["metrics"] == first["metrics"]
    assert (folder / "answers.jsonl").read_bytes() == answers


def test_a_stopped_run_leaves_a_report_and_goes_on(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    folder = data.parent / "report"
    engine.script["How hot is kiln 3?"] = Cancelled("The answer was stopped.")
    ran = alen("validate", "--data", data, "--report", folder, "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["error"]["type"] == "Interrupted"
    assert "3 of 6 are in" in ran.err
    assert "Stopped early" in (folder / "report.html").read_text("utf-8")
    assert json.loads((folder / "metrics.json").read_text("utf-8"))["complete"] is False
    del engine.script["How hot is kiln 3?"]
    engine.calls.clear()
    assert alen("validate", "--data", data, "--report", folder, "--json").json("validate")["skipped"] == 3
    assert asked(engine) == ["How hot is kiln 3?", "How cold is it?", "Which bank?"]
    assert "Stopped early" not in (folder / "report.html").read_text("utf-8")


def test_a_torn_last_answer_is_asked_again(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    out = data.with_name("answers.jsonl")
    alen("validate", "--data", data, "--out", out)
    out.write_bytes(out.read_bytes()[:-30])
    engine.calls.clear()
    assert alen("validate", "--data", data, "--out", out).code == 0
    assert asked(engine) == ["Which bank?"]


def test_the_first_few(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    assert alen("validate", "--data", data, "--limit", "2", "--json").json("validate")["questions"] == 2
    assert alen("validate", "--data", data, "--limit", "0").code == 2


def test_changed_data_are_noticed(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    folder = data.parent / "report"
    alen("validate", "--data", data, "--report", folder)
    report = (folder / "report.html").read_bytes()
    data.write_text(data.read_text("utf-8").replace("minus four", "minus five"), "utf-8")
    engine.calls.clear()
    failure = alen("validate", "--data", data, "--report", folder, "--json").error(2)
    assert "another data" in failure["found"]
    assert not engine.calls
    assert (folder / "report.html").read_bytes() == report


def test_a_bad_row_is_named_before_any_model_loads(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    with data.open("a", encoding="utf-8") as stream:
        stream.write('{"id": 7, "question": "Why?"}\n')
    failure = alen("validate", "--data", data, "--report", data.parent / "report", "--json").error(2)
    assert failure["field"] == f"{data}, line 7, answers"
    assert engine.opened is None


def test_files_that_are_no_files_and_folders_that_are_none(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    assert alen("validate", "--data", data.parent, "--json").error(2)["field"] == "--data"
    assert alen("validate", "--data", data, "--passages", "none.jsonl", "--json").error(2)["field"] == "--passages"
    assert alen("validate", "--data", data, "--report", data, "--json").error(2)["field"] == "--report"
    before = data.read_bytes()
    assert alen("validate", "--data", data, "--out", data, "--json").error(2)["field"] == "--out"
    assert data.read_bytes() == before
    assert alen("validate").code == 2
    assert engine.opened is None


def test_a_question_that_the_engine_refuses_is_named(alen: Alen, engine: ScriptedEngine, data: Path) -> None:
    engine.script["How cold is it?"] = BadInput("question", "9,000 characters", "4,000", "Shorten it.")
    assert alen("validate", "--data", data, "--json").error(2)["field"] == "id 'cold', question"
