"""Questions with known answers, checked so that every one of them can be graded."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text.answers_file import id_key
from alen.text.json_lines import numbered_questions, question_of
from alen.validation.grading import RIGHT_F1, token_f1

Rows = str | Path | Sequence[dict[str, Any]]


def gradable(data: Rows) -> list[dict[str, Any]]:
    """Rows ``{"id", "question", "answers": [..], "unanswerable": bool, "context"?: id or text, "options"?: [..]}`` of a
    JSONL file or a list. Raises BadInput naming the place: a row that cannot be graded, or an id that comes twice."""
    if isinstance(data, str | Path):
        numbered = numbered_questions(data)
    else:
        numbered = [(f"row {n}", question_of(f"row {n}", row, n)) for n, row in enumerate(data, 1)]
        if not numbered:
            raise BadInput("data", "no rows", "questions with known answers", "Give at least one.")
    return _checked(numbered)


def asked_text(row: dict[str, Any]) -> str:
    """What is asked: the question, with its options below it, lettered, where it has some."""
    lines = [f"{letter}) {option}" for letter, option in zip(string.ascii_uppercase, _options(row), strict=False)]
    return "\n".join([row["question"], *lines])


def chosen(text: str, row: dict[str, Any]) -> str | None:
    """The option that an answer names, by its letter or by the most tokens shared with it alone; None for neither."""
    options = _options(row)
    letters = dict(zip(string.ascii_uppercase, options, strict=False))
    named = letters.get(text.strip().rstrip(".)").lstrip("(").upper())
    if named is not None:
        return named
    shared = [token_f1(text, [option]) for option in options]
    best = max(shared, default=0.0)
    return options[shared.index(best)] if best >= RIGHT_F1 and shared.count(best) == 1 else None


def _options(row: dict[str, Any]) -> list[str]:
    return row.get("options") or []


def _checked(numbered: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    places: dict[str, str] = {}
    rows = []
    for place, row in numbered:
        unanswerable, answers = row.get("unanswerable", False), row.get("answers") or []
        if unanswerable == bool(answers):
            found = "answers of an unanswerable question" if answers else "no answers"
            raise _bad(f"{place}, answers", found, 'at least one answer, or "unanswerable": true with none')
        if not isinstance(row.get("context"), str | int | None):
            raise _bad(f"{place}, context", repr(row["context"]), "the id or the text of a passage")
        options = row.get("options") or []
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise _bad(f"{place}, options", repr(options), "a list of texts")
        if len(options) > len(string.ascii_uppercase):
            raise _bad(f"{place}, options", f"{len(options)} options", "at most one a letter, 26")
        key = id_key(row["id"])
        if key in places:
            raise _bad(f"{place}, id", f"{key}, which is that of {places[key]} too", "an id of its own")
        places[key] = place
        rows.append(row)
    return rows


def _bad(place: str, found: str, allowed: str) -> BadInput:
    return BadInput(place, found[:80], allowed, "Correct the row.")
