"""LoCoMo: long conversations and questions about them, and whether the turns that answer are found.

Maharana et al., 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.errors import BadInput

ADVERSARIAL = 5
"""The category of questions that presume what is not so; the turns that they twist are named as evidence."""
CATEGORIES = {1: "several turns", 2: "time", 3: "open domain", 4: "one turn", ADVERSARIAL: "adversarial"}
TURNS = (5, 10)
SESSIONS = 10

_TURN = re.compile(r"D:?(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said, with what they showed; ``name`` is D, the session's number, a colon and the turn's."""

    conversation: str
    session: int
    date: str
    name: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """``evidence`` are the names of the turns that answer it."""

    conversation: str
    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one question: the share of its turns among the first five and ten, and one over the rank of the first of them;
    whether a session of its evidence is among those of the first ten turns; whether one, and whether all of them, are
    among the first ten distinct sessions."""

    recall_5: float
    recall_10: float
    reciprocal_rank: float
    session_of_ten: float
    session_any: float
    session_all: float


def load(folder: Path) -> tuple[list[Turn], list[Question], int]:
    """Turns, questions, and how many questions were left out for want of evidence that exists. Raises BadInput."""
    try:
        turns = [_turn(row) for row in _rows(folder / "turns.jsonl")]
        known = {(turn.conversation, turn.name) for turn in turns}
        questions = [_question(row, known) for row in _rows(folder / "qa.jsonl")]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            "data", f"{folder} ({error})", "a folder with turns.jsonl and qa.jsonl", "Give the folder of LoCoMo."
        ) from None
    kept = [question for question in questions if question.evidence]
    return turns, kept, len(questions) - len(kept)


def session_of(name: str) -> int:
    return int(name.partition(":")[0].removeprefix("D"))


def score(question: Question, ranked: Sequence[str]) -> Scores:
    """``ranked`` are names of turns, best first, deep enough to hold ten sessions."""
    wanted = question.evidence
    distinct = list(dict.fromkeys(ranked))
    first = next((rank for rank, name in enumerate(distinct, 1) if name in wanted), None)
    sessions = set(list(dict.fromkeys(session_of(name) for name in distinct))[:SESSIONS])
    own = {session_of(name) for name in wanted}
    shown = {session_of(name) for name in distinct[:SESSIONS]}
    five, ten = (len(wanted & set(distinct[:count])) / len(wanted) for count in TURNS)
    return Scores(
        recall_5=five,
        recall_10=ten,
        reciprocal_rank=0.0 if first is None else 1 / first,
        session_of_ten=float(bool(own & shown)),
        session_any=float(bool(own & sessions)),
        session_all=float(own <= sessions),
    )


def _turn(row: dict[str, Any]) -> Turn:
    shown = f" [shows {row['image']}]" if row.get("image") else ""
    return Turn(row["conv"], row["session"], row["date"], row["dia_id"], row["speaker"], (row["text"] + shown).strip())


def _question(row: dict[str, Any], known: set[tuple[str, str]]) -> Question:
    # A few rows hold several names in one text, or a colon too many.
    named = (f"D{int(session)}:{int(turn)}" for text in row["evidence"] for session, turn in _TURN.findall(text))
    evidence = frozenset(name for name in named if (row["conv"], name) in known)
    return Question(row["conv"], row["question"], row["category"], evidence)


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
