"""Calls that come while another is at work are done together, and each gets its own vectors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from alen.errors import BadInput
from alen.serving.gathered import MOST, Gathered
from alen.types import Encoder, TokenCounter


class Slow:
    """Vectors are the lengths of the texts. The first call waits until it is let go."""

    name, dim, fingerprint = "slow", 1, "slow-1"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode(self, texts: list[str]) -> np.ndarray:
        self.calls.append(texts)
        self.begun.set()
        assert self.go_on.wait(10)
        if "bad" in texts:
            raise BadInput("texts", "bad", "good", "Be good.")
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(text) for text in texts]


def _at_once(slow: Slow, first: str, others: list[str]) -> list[float | None]:
    """Vectors of the first text, then of the others, all of which came while the first was under way."""
    gathered = Gathered(slow)

    def length(text: str) -> float | None:
        try:
            return float(gathered.encode([text])[0, 0])
        except BadInput:
            return None

    with ThreadPoolExecutor(1 + len(others)) as pool:
        found = [pool.submit(length, first)]
        assert slow.begun.wait(10)
        found += [pool.submit(length, text) for text in others]
        while len(gathered._waiting) < len(others):
            pass
        slow.go_on.set()
        return [each.result(10) for each in found]


def test_those_that_wait_are_done_together() -> None:
    slow = Slow()
    others = ["b" * size for size in range(2, 12)]
    assert _at_once(slow, "a", others) == [float(size) for size in range(1, 12)]
    assert [len(call) for call in slow.calls] == [1, 10]
    assert sorted(slow.calls[1]) == others


def test_a_bad_text_is_its_own_callers_alone() -> None:
    slow = Slow()
    found = _at_once(slow, "a", ["bb", "bad", "cccc"])
    assert found == [1.0, 2.0, None, 4.0]


def test_large_batches_and_no_list_are_passed_on() -> None:
    slow = Slow()
    slow.go_on.set()
    assert len(Gathered(slow).encode(["a"] * (MOST + 1))) == MOST + 1
    with pytest.raises(TypeError):
        Gathered(slow).encode(None)  # type: ignore[arg-type]  # what a caller may do wrong
    assert len(slow.calls) == 2


def test_it_is_the_encoder_it_stands_for() -> None:
    gathered: Encoder = Gathered(Slow())
    assert (gathered.name, gathered.dim, gathered.fingerprint) == ("slow", 1, "slow-1")
    assert isinstance(gathered, TokenCounter)
    assert gathered.count_tokens(["abc"]) == [3]
