"""An encoder that needs no model, and memories on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alen.memory import EpisodicMemory
from alen.thought import ThoughtState
from alen.types import PassageDraft


class HashEncoder:
    """Feature-hashed words: texts with common words are near each other."""

    def __init__(self, dim: int = 256, fingerprint: str = "hash") -> None:
        self.name = "hash"
        self.dim = dim
        self.fingerprint = f"{fingerprint}-{dim}"
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> np.ndarray:
        self.encoded += texts
        return np.stack([ThoughtState.from_input(text, self.dim).vector for text in texts])


def drafts(*texts: str) -> list[PassageDraft]:
    """Passages that stand one after another in a document."""
    found, start = [], 0
    for text in texts:
        found.append(PassageDraft(text, start, start + len(text)))
        start += len(text) + 2
    return found


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'memory.db'}"


@pytest.fixture
def memory(url: str, encoder: HashEncoder) -> Iterator[EpisodicMemory]:
    with EpisodicMemory.open(url, encoder=encoder) as opened:
        yield opened
