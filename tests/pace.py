"""Limits of time that a slow machine, or a busy one, does not break: only work that grows too fast does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

REFERENCE = 0.016
"""CPU seconds that the yardstick takes on the machine for which limits are written."""


def slowness() -> float:
    """How many times longer this machine takes just now; 1 at least."""
    started = time.process_time()
    words: dict[str, int] = {}
    for number in range(40_000):
        word = str(number % 977)
        words[word] = words.get(word, 0) + len(word)
    return max(1.0, (time.process_time() - started) / REFERENCE)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The body takes at most so many CPU seconds of the reference machine."""
    slow = slowness()
    started = time.process_time()
    yield
    took = time.process_time() - started
    allowed = seconds * max(slow, slowness())
    assert took < allowed, f"took {took:.3f} s of {allowed:.3f} s"
