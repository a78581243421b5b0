"""Chat logs as programs export them: turns are paired, so that an episode is a question with its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput
from alen.text.chat_log import read_chat


def rows(folder: Path, messages: Any) -> list[dict[str, Any]]:
    (folder / "chat.json").write_text(json.dumps(messages))
    return read_chat(folder / "chat.json")


def test_an_assistant_answers_and_is_not_asked(tmp_path: Path) -> None:
    """A user's next question is no answer to what the assistant said before."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Key?"},
        {"role": "assistant", "content": "Blue pot.", "timestamp": "2026-03-01T10:00:00Z"},
        {"role": "user", "content": "Kiln?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]},
        {"role": "tool", "content": "1240"},
        {"role": "assistant", "content": [{"type": "text", "text": "1,240 degrees."}, {"type": "image"}]},
    ]
    detail = {"from": "assistant", "message": 3, "date": "2026-03-01T10:00:00Z"}
    assert rows(tmp_path, {"messages": messages}) == [
        {"question": "Key?", "answer": "Blue pot.", "source": "assistant", "detail": detail},
        {
            "question": "Kiln?",
            "answer": "1,240 degrees.",
            "source": "assistant",
            "detail": {"from": "assistant", "message": 7},
        },
    ]


def test_people_answer_each_other(tmp_path: Path) -> None:
    messages = [
        {"speaker": "Ann", "text": "Where is the key?"},
        {"speaker": "Ann", "text": "The spare one?"},
        {"speaker": "Bob", "text": "Blue pot."},
        {"speaker": "Ann", "text": "Thanks \ud83d"},
    ]
    found = rows(tmp_path, messages)
    assert [(row["question"], row["answer"], row["source"]) for row in found] == [
        ("Where is the key?\n\nThe spare one?", "Blue pot.", "Bob"),
        ("Blue pot.", "Thanks \ufffd", "Ann"),
    ]
    assert [row["detail"]["message"] for row in found] == [3, 4]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([{"role": "user"}], "message 1"),
        ([{"role": "user", "content": "x"}, "y"], "message 2"),
        ([{"content": "x"}], "message 1"),
        ([{"role": "user", "content": [{"type": "image"}]}], "message 1"),
        ([{"role": "user", "content": "x"}], "path"),
        ({"chat": []}, "path"),
        ("x", "path"),
    ],
)
def test_what_is_no_chat_is_refused(tmp_path: Path, messages: Any, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        rows(tmp_path, messages)
    assert caught.value.field == field


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_bytes(b"\xff{")
    for path in (tmp_path / "chat.json", tmp_path / "nowhere.json"):
        with pytest.raises(BadInput, match="JSON"):
            read_chat(path)
