"""SQuAD 2.0 as a benchmark: which articles may be reported on, and which questions are asked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.errors import BadInput

TRAINING = frozenset({"Force", "Yuan_dynasty", "Normans", "European_Union_law", "Immune_system", "Islamism"})
"""Articles that weights, fusion and features were chosen on."""
CALIBRATION = frozenset({"Steam_engine", "Huguenot"})
"""Articles that the shipped probabilities were fitted on."""


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    passage: str
    """External id of the passage it was written about."""
    article: str
    golds: tuple[str, ...]
    unanswerable: bool


@dataclass(frozen=True, slots=True)
class Data:
    """``passages`` maps ids to texts. The extra paragraphs count anew in every article, so theirs get the title added;
    no question is about them. ``questions`` are those of every article, in the file's order."""

    files: tuple[Path, ...]
    passages: dict[str, str]
    questions: tuple[Question, ...]

    def test_questions(self) -> list[Question]:
        """Questions of articles that nothing was fitted on."""
        return [question for question in self.questions if question.article not in TRAINING | CALIBRATION]


def load(folder: Path) -> Data:
    """Read contexts.jsonl, contexts_extra.jsonl (when there) and dev.jsonl. Raises BadInput naming file and line."""
    files = [folder / "contexts.jsonl", folder / "contexts_extra.jsonl"]
    files = [file for file in files if file.is_file() or file is files[0]]
    contexts, *extra = ([*_rows(file, ("id", "title", "text"))] for file in files)
    titles = {str(row["id"]): row["title"] for row in contexts}
    passages = {str(row["id"]): row["text"] for row in contexts}
    passages |= {f"{row['id']} {row['title']}": row["text"] for rows in extra for row in rows}
    questions = []
    for row in _rows(folder / "dev.jsonl", ("id", "ctx", "question", "answers", "unanswerable")):
        passage = str(row["ctx"])
        if passage not in titles:
            raise BadInput(
                f"question {row['id']}", f"context {passage}", "an id of contexts.jsonl", "Complete the data."
            )
        golds = tuple(row["answers"])
        questions.append(
            Question(row["id"], row["question"], passage, titles[passage], golds, bool(row["unanswerable"]))
        )
    return Data(tuple(files), passages, tuple(questions))


def sample(questions: Iterable[Question], count: int, seed: int) -> list[Question]:
    """``count`` questions in random order, half of them unanswerable as far as there are enough of each kind."""
    generator = random.Random(seed)
    kinds: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        kinds[question.unanswerable].append(question)
    for kind in kinds:
        generator.shuffle(kind)
    answerable, unanswerable = kinds
    wanted = min(len(unanswerable), max(count // 2, count - len(answerable)))
    chosen = unanswerable[:wanted] + answerable[: count - wanted]
    generator.shuffle(chosen)
    return chosen


def _rows(file: Path, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    import json

    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            "data", f"{file.parent} ({error.strerror})", "a folder with contexts.jsonl and dev.jsonl", "See --help."
        ) from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            missing = [field for field in fields if field not in row]
        except (ValueError, TypeError):
            row, missing = None, list(fields)
        if missing:
            raise BadInput(
                f"{file.name}, line {number}", line[:60], f"a JSON object with {', '.join(fields)}", "Correct the line."
            )
        yield row
