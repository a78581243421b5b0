"""Calibration from questions with known answers, kept in the namespace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alen.engine.calibrating import label
from alen.errors import BadInput
from alen.validation.validator import ModelValidator


def _name(number: int) -> str:
    return "k" + chr(97 + number // 26) + chr(97 + number % 26)


def test_calibrate_changes_this_namespace_alone(engine, tmp_path):
    _taught(engine, 60)
    data = tmp_path / "questions.jsonl"
    rows = [
        {"id": n, "question": f"At what degrees fires kiln {_name(n)}?", "answers": [f"{1000 + n} degrees"]}
        for n in range(60)
    ]
    rows += [{"id": 100 + n, "question": f"Who bought oven {_name(n)} there?", "unanswerable": True} for n in range(40)]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    stages: list[tuple[str, int, int]] = []
    report = engine.calibrate(data, progress=lambda *stage: stages.append(stage))
    assert report["questions"] == 100
    assert report["families"]["read"]["fitted"]
    assert stages[-1] == ("asking", 100, 100)
    assert engine.belief().provenance["fitted_on"] == "questions.jsonl"
    assert engine.memory.load_state("core.belief", namespace="other") is None


def _taught(engine, count: int) -> None:
    for number in range(count):
        engine.teach(f"Kiln {_name(number)} fires at {1000 + number} degrees.", source=_name(number))


def _rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Questions that are answered, each with one that is not."""
    rows = []
    for n in range(count):
        known = {"question": f"At what degrees fires kiln {_name(n)}?", "answers": [f"{1000 + n} degrees"]}
        rows += [{"id": 2 * n, **known, "context": f"p{n}", **changes}]
        rows += [{"id": 2 * n + 1, "question": f"Who bought oven {_name(n)} there?", "unanswerable": True, **changes}]
    return rows


def _file(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_options_are_asked_and_graded_as_validation_does(engine, reader, monkeypatch):
    """What is read is 1000 degrees: half the words of either other option, and never a letter."""
    _taught(engine, 1)
    options = ["1001 degrees", "1000 degrees", "hot"]
    question = f"At what degrees fires kiln {_name(0)}?"
    rows = [{"id": n, "question": question, "answers": [right], "options": options} for n, right in enumerate("ABC")]
    rows += [{"id": 3, "question": question, "answers": ["1001 degrees"], "options": options}]
    rows += [{"id": 4, "question": question, "answers": ["1001 degrees"]}]
    asked: list[str] = []
    read = reader.read
    monkeypatch.setattr(
        reader, "read", lambda question, *rest, **more: asked.append(question) or read(question, *rest, **more)
    )
    labelled = [row for row in label(engine, rows) if row.family == "read"]
    in_calibration = list(asked)
    asked.clear()
    validated = ModelValidator(engine, safe=lambda text: True).validate(rows).rows
    assert in_calibration == asked
    assert asked[0] == f"{question}\nA) 1001 degrees\nB) 1000 degrees\nC) hot"
    assert [row.right for row in labelled] == [0, 1, 0, 0, 1]
    assert [row.right for row in validated] == [False, True, False, False, True]
    assert len({row.group for row in labelled}) == 1  # the same question, whatever its options


def test_sets_that_rows_name_reach_the_safeguard(engine, tmp_path):
    _taught(engine, 60)
    rows = [{**row, "set": f"set {place // 2 % 3}"} for place, row in enumerate(_rows(60))]
    three = engine.calibrate(_file(tmp_path, rows))["families"]["read"]
    assert three["sets"] == 3
    assert {"best_single", "log_loss", "log_loss_of_best_single"} <= set(three)
    one = engine.calibrate(_file(tmp_path, _rows(60)))["families"]["read"]
    assert one["sets"] == 1
    assert "best_single" not in one


@pytest.mark.parametrize("field", ["set", "answers", "options"])
def test_a_row_that_cannot_be_graded_is_named_before_anything_is_taught_or_asked(engine, tmp_path, field):
    passages = tmp_path / "passages.jsonl"
    passages.write_text('{"id": 1, "text": "The kiln."}\n')
    data = _file(tmp_path, [*_rows(1), {"id": 7, "question": "Why?", "answers": ["x"], field: 7}])
    with pytest.raises(BadInput) as found:
        engine.calibrate(data, passages=passages)
    assert found.value.field == f"{data}, line 3, {field}"
    assert not engine.memory.has_namespace("default")


def test_many_questions_about_few_passages_certify_nothing(engine, tmp_path):
    _taught(engine, 120)
    rows = [{**row, "context": f"letter {place % 12}"} for place, row in enumerate(_rows(120))]
    report = engine.calibrate(_file(tmp_path, rows))
    assert report["groups"] == 12
    assert report["certified_on"] >= 50 > 9 > report["certified_groups"] > 0
    assert not any(found["threshold"] for found in report["certificates"])
    assert len(engine.belief().graded) == report["certified_groups"]
