"""Texts that several requests want embedded at once are embedded together: the weights are read once for all."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np

from alen.types import Encoder

MOST = 32
"""Texts of one call; more of them are a batch of their own already."""


class _Wanted:
    """The texts of one call, and their vectors once somebody made them."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.vectors: np.ndarray | None = None


class Gathered:
    """An Encoder over another one. The first call does the work at once; those that come meanwhile are done together
    by the first of them. Also counts tokens, where the other one does."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: list[_Wanted] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length. Raises what the other one raises."""
        if not isinstance(texts, list) or not 0 < len(texts) <= MOST:
            return self._encoder.encode(texts)
        mine = _Wanted(texts)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            if mine.vectors is None:
                self._embed(mine)
        assert mine.vectors is not None
        return mine.vectors

    def _embed(self, mine: _Wanted) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        with suppress(Exception):  # what is wrong with a text, its own caller hears alone
            self._fill(batch)
        if mine.vectors is None:
            self._fill([mine])

    def _fill(self, batch: list[_Wanted]) -> None:
        vectors = self._encoder.encode([text for wanted in batch for text in wanted.texts])
        start = 0
        for wanted in batch:
            wanted.vectors = vectors[start : start + len(wanted.texts)]
            start += len(wanted.texts)
