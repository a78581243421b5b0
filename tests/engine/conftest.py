"""An engine over a real database, with an encoder and a reader of a few lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from alen import settings
from alen.core import belief
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.engine import Engine
from alen.memory import EpisodicMemory
from alen.thought import ThoughtState
from alen.types import Reading


class HashEncoder:
    """Feature hashing: texts that share words are near each other."""

    name, dim, fingerprint = "hash", 64, "hash-64"

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.stack([ThoughtState.from_input(text, self.dim).vector for text in texts])


class WordReader:
    """Answers with the first number of a passage, surely when the passage shares three words with the question."""

    name, fingerprint, family = "words", "words", "read"

    def __init__(self) -> None:
        self.read_passages: list[str] = []

    def read(self, question, passages, *, cancel=None):
        self.read_passages += passages
        found = []
        for text in passages:
            match = re.search(r"\d[\d,]*( \w+)?", text)
            shared = set(question.lower().split()) & set(text.lower().split())
            start, end = match.span() if match else (0, len(text.split()[0]))
            found.append(Reading(text[start:end], start, end, -0.2, -0.1, 3.0, 4.0 if len(shared) > 2 else -4.0, 2, 9))
        return found


@pytest.fixture
def reader() -> WordReader:
    return WordReader()


BELIEF = Belief(
    {
        "compute": Family(Energy(7.0, (Term("symbolic", 1.0, 0.1, 1.0, -3.0),))),
        "recall_exact": Family(Energy(5.0, ())),
        "recall": Family(Energy(-1.0, (Term("question_similarity", 0.8, 0.1, 1.0),))),
        "read": Family(Energy(0.0, (Term("answerable", 0.0, 1.0, 1.0),))),
        "extract": Family(Energy(-2.0, ())),
    }
)


@pytest.fixture
def engine(tmp_path, reader, monkeypatch) -> Iterator[Engine]:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    chosen = settings.load(home=tmp_path / "home", store=f"sqlite:///{tmp_path / 'memory.db'}")
    memory = EpisodicMemory.open(chosen.store, encoder=HashEncoder(), namespace=chosen.namespace)
    with Engine(chosen, memory, HashEncoder(), lambda: reader) as opened:
        yield opened
