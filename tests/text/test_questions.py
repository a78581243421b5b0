"""Rows of questions with known answers: which can be graded, what answers them rightly, what they depend on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput
from alen.text.questions import gradable, group_of, is_answered

ROW = {"id": 1, "question": "How hot?", "answers": ["1,240 degrees"], "context": "kiln"}


def file_of(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"id": 9, "question": "Why?"}, "answers"),
        ({"id": 9, "question": "Why?", "answers": []}, "answers"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "unanswerable": True}, "answers"),
        ({"id": 9, "question": "Why?", "answers": "x"}, "answers"),
        ({"id": 9, "question": " ", "answers": ["x"]}, "question"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "context": ["a"]}, "context"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "options": "abc"}, "options"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "options": ["x"] * 27}, "options"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "set": 3}, "set"),
        ({"id": 9, "question": "Why?", "answers": ["x"], "set": ""}, "set"),
        ({"id": 1, "question": "Why?", "answers": ["x"]}, "id"),
    ],
)
def test_a_row_that_cannot_be_graded_is_named_by_file_and_line(tmp_path: Path, bad: Any, field: str) -> None:
    path = file_of(tmp_path, ROW, {"id": "2", "question": "Who?", "answers": [], "unanswerable": True}, bad)
    with pytest.raises(BadInput) as found:
        gradable(path)
    assert found.value.field == f"{path}, line 3, {field}"
    with pytest.raises(BadInput, match="row 2"):
        gradable([ROW, bad])


def test_nothing_to_ask_is_refused(tmp_path: Path) -> None:
    for nothing in ([], file_of(tmp_path)):
        with pytest.raises(BadInput):
            gradable(nothing)


def test_ids_are_told_apart_as_json_tells_them(tmp_path: Path) -> None:
    assert len(gradable([ROW, {**ROW, "id": "1"}])) == 2


def test_right_is_answerable_and_half_the_tokens() -> None:
    assert is_answered("1,240 degrees Celsius", {"answers": ["1240 degrees"]})
    assert not is_answered("1,240 degrees", {"answers": ["1240 degrees"], "unanswerable": True})
    assert not is_answered("Marta", {"answers": ["Marta Hald the second king"]})
    assert not is_answered("tin", {"answers": [], "options": ["tin", "brass"], "unanswerable": True})


def test_with_options_the_right_one_must_be_chosen() -> None:
    row = {"answers": ["1000 degrees"], "options": ["1001 degrees", "1000 degrees"]}
    assert is_answered("B", row)
    assert is_answered("1000 degrees", row)
    assert not is_answered("1001 degrees", row)  # half the tokens of the right one
    assert is_answered("1001 degrees", {"answers": ["1000 degrees"]})


def test_what_questions_depend_on_is_their_passage_or_themselves() -> None:
    assert group_of(ROW) == "kiln"
    assert group_of({**ROW, "context": 0}) == "0"
    assert [group_of({**ROW, "context": nothing}) for nothing in (None, "")] == ["How hot?"] * 2


def test_rows_may_name_the_data_set_they_come_from() -> None:
    named = [{**ROW, "set": "kilns"}, {**ROW, "id": 2, "set": None}, {**ROW, "id": 3}]
    assert [row.get("set") for row in gradable(named)] == ["kilns", None, None]
