"""JSON Lines of passages, of questions with answers to teach, and of questions to ask; errors name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text.sentences import sentences
from alen.text.splitting import split
from alen.types import PassageDraft

LONGEST_ROW = 6000
"""Characters; a passage row stays as its writer cut it up to this length."""


def read_passages(path: str | Path) -> list[PassageDraft]:
    """Rows ``{"id", "title"?, "text"}``. A row longer than LONGEST_ROW becomes several passages with the row's id;
    ``start`` and ``end`` count within the row's text. Raises BadInput with the number of the line."""
    drafts: list[PassageDraft] = []
    for number, row in _rows(Path(path)):
        text = _text(path, number, row, "text")
        title = _optional(path, number, row, "title")
        name = row.get("id")
        if name is not None and not isinstance(name, str | int):
            raise _bad(path, number, "id", name, "a text or a whole number")
        external = None if name is None else str(name)
        pieces = (
            split(text) if len(text) > LONGEST_ROW else [PassageDraft(text, 0, len(text), sentences=sentences(text))]
        )
        drafts += [
            PassageDraft(piece.text, piece.start, piece.end, title, None, external, piece.sentences) for piece in pieces
        ]
    if not drafts:
        raise BadInput("passages", f"{path} without rows", 'rows such as {"id": 1, "text": "…"}', "Write one a line.")
    return drafts


def read_qa(path: str | Path) -> list[dict[str, Any]]:
    """Rows ``{"question", "answer", "context"?, "tags"?}`` with nothing else in them. Raises BadInput as above."""
    found = []
    for number, row in _rows(Path(path)):
        tags = row.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise _bad(path, number, "tags", tags, "a list of texts")
        found.append(
            {
                "question": _text(path, number, row, "question"),
                "answer": _text(path, number, row, "answer"),
                "context": _optional(path, number, row, "context"),
                "tags": tuple(tags),
            }
        )
    if not found:
        raise BadInput(
            "qa", f"{path} without rows", 'rows such as {"question": "…", "answer": "…"}', "Write one a line."
        )
    return found


def read_questions(path: str | Path) -> list[dict[str, Any]]:
    """Rows ``{"id", "question", "answers"?, "unanswerable"?, "context"?}``, other fields kept. A missing id becomes
    the number of the line. Raises BadInput as above."""
    found = []
    for number, row in _rows(Path(path)):
        _text(path, number, row, "question")
        answers = row.get("answers", [])
        if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
            raise _bad(path, number, "answers", answers, "a list of texts")
        if not isinstance(row.get("unanswerable", False), bool):
            raise _bad(path, number, "unanswerable", row["unanswerable"], "true or false")
        found.append({"id": number} | row)
    if not found:
        raise BadInput(
            "questions", f"{path} without rows", 'rows such as {"id": 1, "question": "…"}', "Write one a line."
        )
    return found


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number of the line, from 1, and its object; blank lines are passed over."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise BadInput("path", f"{file} ({error.strerror})", "a JSON Lines file", "Check the path.") from None
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError:
            raise _bad(file, number, None, "bytes that are not UTF-8", "a JSON object in UTF-8") from None
        except ValueError as error:
            raise _bad(file, number, None, f"{_shown(line)} ({error})", "a JSON object") from None
        if not isinstance(row, dict):
            raise _bad(file, number, None, _shown(line), "a JSON object")
        yield number, row


def _text(file: str | Path, number: int, row: dict[str, Any], field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise _bad(file, number, field, value if field in row else "nothing", "a text that is not empty")
    return value


def _optional(file: str | Path, number: int, row: dict[str, Any], field: str) -> str | None:
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise _bad(file, number, field, value, "a text, or leave it out")
    return value or None


def _bad(file: str | Path, number: int, field: str | None, found: object, allowed: str) -> BadInput:
    place = f"{file}, line {number}" + (f", {field}" if field else "")
    return BadInput(place, found if isinstance(found, str) else repr(found)[:80], allowed, "Correct the line.")


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return text if len(text) <= 60 else f"{text[:60]}…"
