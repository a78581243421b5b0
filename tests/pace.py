"""Limits of time that a slow machine, or a busy one, does not break: only work that grows too fast does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

REFERENCE = 0.008
"""CPU seconds that the yardstick takes on the machine for which limits are written, with nobody else on it."""

_TEXT = 'Ann has 32 pears (1 + 2), and picks 40 more; who says "no"? ' * 250
_PIECES = re.compile(r"\b\w+\b|[^\w\s]")


def slowness() -> float:
    """How many times longer this machine takes just now for work on text, which is what is limited; 1 at least."""
    started = time.process_time()
    pieces = [(found.group().lower(), found.start()) for found in _PIECES.finditer(_TEXT)]
    places: dict[str, list[int]] = {}
    for piece, start in pieces:
        places.setdefault(piece.strip(), []).append(start)
    " ".join(sorted(f"{piece}{start}" for piece, start in pieces)).split()
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
