"""Reading exercises from SQuAD 2 rows: questions grouped by passage, with the spans that answer them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.errors import BadInput

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Exercise:
    """One question of one passage. ``spans`` are (start, end, weight) character ranges, weights summing to 1: the
    gold answers when ``answerable``, else what a careless reader would answer (may be empty)."""

    id: str
    question: str
    answerable: bool
    spans: tuple[tuple[int, int, float], ...]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A passage and the questions asked of it."""

    id: str
    title: str
    text: str
    exercises: tuple[Exercise, ...]


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise BadInput(
                        f"{path.name} line {number}", error.msg, "one JSON object a line", "Correct this line."
                    ) from error
    except OSError as error:
        raise BadInput(
            "data",
            f"{path} ({error.strerror})",
            "a folder with contexts.jsonl and dev.jsonl",
            "Give the SQuAD 2 folder with --data.",
        ) from error
    return rows


def gold_spans(text: str, answers: Sequence[str], starts: Sequence[int]) -> tuple[tuple[int, int, float], ...]:
    """Each annotator's start with the distinct answer found there (ties share), weighted by how many chose it."""
    weights: dict[tuple[int, int], float] = {}
    for start in starts:
        here = [answer for answer in answers if text.startswith(answer, start)]
        for answer in here:
            key = (start, start + len(answer))
            weights[key] = weights.get(key, 0.0) + 1.0 / len(here)
    total = sum(weights.values())
    return tuple((a, b, weight / total) for (a, b), weight in weights.items())


def plausible_spans(text: str, plausible: Iterable[str]) -> tuple[tuple[int, int, float], ...]:
    """Where each plausible wrong answer stands first, equally weighted."""
    found = [(text.find(answer), len(answer)) for answer in plausible if answer]
    kept = [(start, start + size) for start, size in found if start >= 0]
    return tuple((a, b, 1.0 / len(kept)) for a, b in kept)


def read_pages(folder: Path, articles: Sequence[str]) -> list[Page]:
    """The passages of these articles that have questions, in file order. Raises BadInput naming file and line."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(folder / "dev.jsonl"):
        questions.setdefault(str(row["ctx"]), []).append(row)
    pages = []
    seen: set[str] = set()
    for row in _rows(folder / "contexts.jsonl"):
        key, title, text = str(row["id"]), row["title"], row["text"]
        if title not in articles:
            continue
        seen.add(title)
        exercises = []
        for question in questions.get(key, []):
            if question["unanswerable"]:
                spans = plausible_spans(text, question.get("plausible", ()))
            else:
                spans = gold_spans(text, question["answers"], question["answer_start"])
            exercises.append(
                Exercise(
                    question["id"],
                    question["question"],
                    not question["unanswerable"],
                    spans,
                    tuple(question["answers"]),
                )
            )
        if exercises:
            pages.append(Page(key, title, text, tuple(exercises)))
    missing = sorted(set(articles) - seen)
    if missing:
        raise BadInput("articles", ", ".join(missing), "titles in contexts.jsonl", "Correct the recipe or the folder.")
    return pages


def strangers(pages: Sequence[Page], share: float, seed: int) -> dict[str, list[Exercise]]:
    """Answerable questions asked of the wrong passage of their own article, by passage id.

    Retrieval brings a wrong passage about one time in five, so the reader must learn to see it. For a seeded choice
    of ``share`` of the questions the wrong passage is the one that shares most of its words and holds none of its
    answers. Such an exercise has no spans."""
    chance = random.Random(seed)
    words = {page.id: set(_WORD.findall(page.text.lower())) for page in pages}
    found: dict[str, list[Exercise]] = {}
    for page in pages:
        siblings = [other for other in pages if other.title == page.title and other.id != page.id]
        for exercise in page.exercises:
            if not exercise.answerable or chance.random() >= share:
                continue
            asked = set(_WORD.findall(exercise.question.lower()))
            wrong = [other for other in siblings if not any(answer in other.text for answer in exercise.answers)]
            if wrong:
                nearest = max(wrong, key=lambda other: (len(asked & words[other.id]), other.id))
                found.setdefault(nearest.id, []).append(Exercise(exercise.id + "/wrong", exercise.question, False, ()))
    return found
