"""Databases as the tests of memory have them, and embeddings that need no model."""

from __future__ import annotations

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from alen.thought import ThoughtState
from tests.memory.conftest import encoder, postgres, url

__all__ = ["WordEmbeddings", "embeddings", "encoder", "postgres", "url"]


class WordEmbeddings(Embeddings):
    """Feature-hashed words, of any length but 1: texts with common words are near each other."""

    def __init__(self, dim: int = 256, salt: str = "") -> None:
        self.dim = dim
        self.salt = salt

    def embed_query(self, text: str) -> list[float]:
        words = " ".join(self.salt + word for word in text.split())
        return (np.float32(3.0) * ThoughtState.from_input(words, self.dim).vector).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@pytest.fixture
def embeddings() -> WordEmbeddings:
    return WordEmbeddings()
