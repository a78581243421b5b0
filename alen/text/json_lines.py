"""JSON Lines of passages, of questions with answers to teach, and of questions to ask; errors name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text.formats import storable
from alen.text.sentences import sentences
from alen.text.splitting import split
from alen.types import PassageDraft

LONGEST_ROW = 6000
"""Characters; a passage row stays as its writer cut it up to this length."""


def read_passages(path: str | Path) -> list[PassageDraft]:
    """Rows ``{"id", "title"?, "text"}``, as ``passages_of``. Raises BadInput with the number of the line."""
    drafts = passages_of((f"{path}, line {number}", row) for number, row in _rows(Path(path)))
    if not drafts:
        raise BadInput("passages", f"{path} without rows", 'rows such as {"id": 1, "text": "…"}', "Write one a line.")
    return drafts


def passages_of(rows: Iterable[tuple[str, Any]]) -> list[PassageDraft]:
    """Passages of rows, each with the name of its place for errors. A row longer than LONGEST_ROW becomes several
    passages with the row's id; ``start`` and ``end`` count within the row's text. Raises BadInput naming the place."""
    drafts: list[PassageDraft] = []
    for place, row in rows:
        if not isinstance(row, dict):
            raise _bad(place, None, row, 'a row such as {"id": 1, "text": "…"}')
        text = _text(place, row, "text")
        title = _optional(place, row, "title")
        name = row.get("id")
        if name is not None and not isinstance(name, str | int):
            raise _bad(place, "id", name, "a text or a whole number")
        external = None if name is None else str(name)
        pieces = (
            split(text) if len(text) > LONGEST_ROW else [PassageDraft(text, 0, len(text), sentences=sentences(text))]
        )
        drafts += [
            PassageDraft(piece.text, piece.start, piece.end, title, None, external, piece.sentences) for piece in pieces
        ]
    return drafts


def read_qa(path: str | Path) -> list[dict[str, Any]]:
    """Rows ``{"question", "answer", "context"?, "tags"?}`` with nothing else in them. Raises BadInput as above."""
    found = []
    for number, row in _rows(Path(path)):
        place = f"{path}, line {number}"
        tags = row.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise _bad(place, "tags", tags, "a list of texts")
        found.append(
            {
                "question": _text(place, row, "question"),
                "answer": _text(place, row, "answer"),
                "context": _optional(place, row, "context"),
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
    return [row for _, row in numbered_questions(path)]


def numbered_questions(path: str | Path) -> list[tuple[str, dict[str, Any]]]:
    """As ``read_questions``, each row with the name of its place for errors that only its user can see."""
    found = []
    for number, row in _rows(Path(path)):
        place = f"{path}, line {number}"
        found.append((place, question_of(place, row, number)))
    if not found:
        raise BadInput(
            "questions", f"{path} without rows", 'rows such as {"id": 1, "question": "…"}', "Write one a line."
        )
    return found


def question_of(place: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    """One row of questions, checked. Raises BadInput naming the place."""
    _text(place, row, "question")
    answers = row.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise _bad(place, "answers", answers, "a list of texts")
    if not isinstance(row.get("unanswerable", False), bool):
        raise _bad(place, "unanswerable", row["unanswerable"], "true or false")
    return {"id": number} | row


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
            raise _bad(f"{file}, line {number}", None, "bytes that are not UTF-8", "a JSON object in UTF-8") from None
        except ValueError as error:
            raise _bad(f"{file}, line {number}", None, f"{_shown(line)} ({error})", "a JSON object") from None
        if not isinstance(row, dict):
            raise _bad(f"{file}, line {number}", None, _shown(line), "a JSON object")
        yield number, row


def _text(place: str, row: dict[str, Any], field: str) -> str:
    value = row.get(field)
    text = storable(value) if isinstance(value, str) else ""
    if not text.strip():
        raise _bad(place, field, value if field in row else "nothing", "a text that is not empty")
    return text


def _optional(place: str, row: dict[str, Any], field: str) -> str | None:
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise _bad(place, field, value, "a text, or leave it out")
    return storable(value or "") or None


def _bad(place: str, field: str | None, found: object, allowed: str) -> BadInput:
    where = f"{place}, {field}" if field else place
    return BadInput(where, found if isinstance(found, str) else repr(found)[:80], allowed, "Correct the row.")


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return text if len(text) <= 60 else f"{text[:60]}…"
