"""Rows are checked one by one; a broken one is named by its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.text.documents import passages_of, read_passages, read_qa, read_questions


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "rows.jsonl"
        file.write_text(text, "utf-8")
        return file

    return write


def test_passages(rows: Callable[[str], Path]) -> None:
    long = "The kiln is hot, as everyone knows. " * 200
    drafts = read_passages(
        rows(f'{{"id": 7, "title": "Kiln", "text": "It is hot. It is big."}}\n\n{{"text": "{long}"}}')
    )
    assert (drafts[0].external_id, drafts[0].title, drafts[0].start, drafts[0].end) == ("7", "Kiln", 0, 21)
    assert len(drafts) > 2
    assert all(long[draft.start : draft.end] == draft.text and draft.external_id is None for draft in drafts[1:])


def test_rows_in_memory_are_cut_and_checked_like_those_of_a_file() -> None:
    long = "The kiln is hot, as everyone knows. " * 200
    drafts = passages_of([("row 1", {"id": 7, "title": "Kiln", "text": long})])
    assert len(drafts) > 1
    assert {(draft.external_id, draft.title) for draft in drafts} == {("7", "Kiln")}
    for row, field in (({"text": "x", "title": 3}, "row 1, title"), ({"text": " "}, "row 1, text"), ("x", "row 1")):
        with pytest.raises(BadInput) as caught:
            passages_of([("row 1", row)])
        assert caught.value.field == field


def test_qa(rows: Callable[[str], Path]) -> None:
    found = read_qa(rows('{"question": "Where?", "answer": "There", "tags": ["place"], "more": 1}'))
    assert found == [{"question": "Where?", "answer": "There", "context": None, "tags": ("place",)}]


def test_what_a_database_cannot_hold_is_taken_out(rows: Callable[[str], Path]) -> None:
    (row,) = read_qa(rows(r'{"question": "Where \ud83d?", "answer": "The\u0000re \ud83d\ude00", "context": "\u0000"}'))
    assert (row["question"], row["answer"], row["context"]) == ("Where \ufffd?", "There \U0001f600", None)


def test_questions(rows: Callable[[str], Path]) -> None:
    found = read_questions(rows('{"question": "Where?"}\n{"id": "b", "question": "Who?", "answers": [], "extra": 1}'))
    assert [row["id"] for row in found] == [1, "b"]
    assert found[1]["extra"] == 1


@pytest.mark.parametrize(
    ("reader", "line", "field"),
    [
        (read_passages, '{"text": ""}', "line 2, text"),
        (read_passages, r'{"text": "\u0000"}', "line 2, text"),
        (read_passages, '{"text": "x", "title": 3}', "line 2, title"),
        (read_passages, '{"text": "x", "id": [1]}', "line 2, id"),
        (read_qa, '{"question": "Where?"}', "line 2, answer"),
        (read_qa, '{"question": "Where?", "answer": "x", "tags": "place"}', "line 2, tags"),
        (read_qa, '{"question": "Where?", "answer"', "line 2"),
        (read_questions, '["Where?"]', "line 2"),
        (read_questions, '{"question": 3}', "line 2, question"),
        (read_questions, '{"question": "x", "answers": "y"}', "line 2, answers"),
        (read_questions, '{"question": "x", "unanswerable": "no"}', "line 2, unanswerable"),
    ],
)
def test_a_broken_line_is_named(rows: Callable[[str], Path], reader: Callable, line: str, field: str) -> None:
    good = '{"id": 1, "text": "x", "question": "x", "answer": "x"}'
    with pytest.raises(BadInput) as caught:
        reader(rows(f"{good}\n{line}\n{good}\n"))
    assert caught.value.field.endswith(field)


@pytest.mark.parametrize("reader", [read_passages, read_qa, read_questions])
def test_a_file_without_rows_is_refused(rows: Callable[[str], Path], reader: Callable, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="without rows"):
        reader(rows("\n\n"))
    with pytest.raises(BadInput, match="Check the path"):
        reader(tmp_path / "nowhere.jsonl")


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"text": "x"}\n{"text": "\xff"}\n')
    with pytest.raises(BadInput) as caught:
        read_passages(file)
    assert caught.value.field.endswith("line 2")
