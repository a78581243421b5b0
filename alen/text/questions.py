"""Questions with known answers: checked so that every one of them can be graded, how they are asked, and what answers
them rightly. Probabilities are fitted to the same questions, asked and graded alike, that they are judged on."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text.answers_file import id_key
from alen.text.grading import RIGHT_F1, is_right, token_f1
from alen.text.json_lines import numbered_questions, question_of

Rows = str | Path | Sequence[dict[str, Any]]


def gradable(data: Rows) -> list[dict[str, Any]]:
    """Rows ``{"id", "question", "answers": [..], "unanswerable": bool, "context"?: id or text, "options"?: [..],
    "set"?: name of the data set}`` of a JSONL file or a list. Raises BadInput naming the place: a row that cannot be
    graded, or an id that comes twice."""
    if isinstance(data, str | Path):
        numbered = numbered_questions(data)
    else:
        numbered = [(f"row {n}", question_of(f"row {n}", row, n)) for n, row in enumerate(data, 1)]
        if not numbered:
            raise BadInput("data", "no rows", "questions with known answers", "Give at least one.")
    return checked(numbered)


def asked_text(row: Mapping[str, Any]) -> str:
    """What is asked: the question, with its options below it, lettered, where it has some."""
    lines = [f"{letter}) {option}" for letter, option in zip(string.ascii_uppercase, _options(row), strict=False)]
    return "\n".join([row["question"], *lines])


def is_answered(text: str, row: Mapping[str, Any]) -> bool:
    """Whether a text answers the question of a checked row rightly. With options, the right one must be chosen: another
    may share most of its words."""
    if row.get("unanswerable"):
        return False
    answers = row.get("answers") or []
    if not _options(row):
        return is_right(text, answers)
    picked = chosen(text, row)
    return picked is not None and picked in {chosen(answer, row) for answer in answers}


def group_of(row: Mapping[str, Any]) -> str:
    """What the question is about: rows of one passage, or with the same question where none is named, depend on each
    other."""
    context = row.get("context")
    return str(row["question"] if context in (None, "") else context)


def chosen(text: str, row: Mapping[str, Any]) -> str | None:
    """The option that an answer names, by its letter or by the most tokens shared with it alone; None for neither."""
    options = _options(row)
    letters = dict(zip(string.ascii_uppercase, options, strict=False))
    named = letters.get(text.strip().rstrip(".)").lstrip("(").upper())
    if named is not None:
        return named
    shared = [token_f1(text, [option]) for option in options]
    best = max(shared, default=0.0)
    return options[shared.index(best)] if best >= RIGHT_F1 and shared.count(best) == 1 else None


def _options(row: Mapping[str, Any]) -> list[str]:
    return row.get("options") or []


def checked(numbered: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows with the names of their places, where all of them can be graded. Raises BadInput as ``gradable`` does."""
    places: dict[str, str] = {}
    rows = []
    for place, row in numbered:
        unanswerable, answers = row.get("unanswerable", False), row.get("answers") or []
        if unanswerable == bool(answers):
            found = "answers of an unanswerable question" if answers else "no answers"
            raise _bad(f"{place}, answers", found, 'at least one answer, or "unanswerable": true with none')
        if not isinstance(row.get("context"), str | int | None):
            raise _bad(f"{place}, context", repr(row["context"]), "the id or the text of a passage")
        if not isinstance(row.get("set"), str | None) or row.get("set", "-") == "":
            raise _bad(f"{place}, set", repr(row["set"]), "the name of a data set, or leave it out")
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
