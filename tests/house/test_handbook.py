"""The shipped handbook can carry the demo: enough passages, taught answers of its own, honest questions."""

from __future__ import annotations

import json
from typing import Any

from tests.house.tree import ROOT

HANDBOOK = ROOT / "examples" / "handbook"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HANDBOOK / name).read_text("utf-8").splitlines()]


def prose() -> str:
    files = [*HANDBOOK.glob("*/*.md"), *HANDBOOK.glob("*/*.txt")]
    return " ".join(" ".join(file.read_text("utf-8").split()) for file in files).casefold()


def test_about_forty_passages() -> None:
    sections = sum(file.read_text("utf-8").count("\n## ") for file in HANDBOOK.glob("*/*.md"))
    notes = (HANDBOOK / "company" / "workshop-notes.txt").read_text("utf-8").strip().split("\n\n")
    assert 40 <= sections + (len(notes) - 1) // 2 <= 50


def test_thirty_taught_pairs_most_of_them_in_no_passage() -> None:
    pairs = rows("qa.jsonl")
    text = prose()
    assert len(pairs) == 30
    assert all(set(pair) == {"question", "answer", "tags"} for pair in pairs)
    assert len({pair["question"] for pair in pairs}) == 30
    assert sum(pair["answer"].casefold() not in text for pair in pairs) >= 20


def test_answers_of_the_questions_stand_in_the_text() -> None:
    questions = rows("questions.jsonl")
    text = prose()
    assert len({row["id"] for row in questions}) == len(questions) == 40
    for row in questions:
        assert row["unanswerable"] == (not row["answers"])
        assert all(answer.casefold() in text or answer in text for answer in row["answers"][:1]), row
