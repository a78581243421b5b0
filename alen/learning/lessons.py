"""What is learnt: tokens of which some are predicted, and batches of them.

Axes: B texts, T tokens of the longest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alen.neural.loss import IGNORED


@dataclass(frozen=True, slots=True)
class Lesson:
    """Tokens of a text. Those from place ``first`` on are learnt; those before it are read."""

    tokens: tuple[int, ...]
    first: int = 1

    @property
    def learnt(self) -> int:
        return len(self.tokens) - self.first


def windows(tokens: Sequence[int], length: int) -> list[Lesson]:
    """A text in pieces of at most ``length`` predictions. Each begins with the last token of the one before, so that
    every token but the first is learnt once."""
    return [
        Lesson(tuple(tokens[start : start + length + 1]))
        for start in range(0, len(tokens) - 1, length)
        if len(tokens) - start > 1
    ]


def batches(lessons: Sequence[Lesson], most: int, chance: random.Random) -> Iterator[list[Lesson]]:
    """All lessons once, in batches of at most ``most`` tokens with padding, or of one lesson. What is of like length
    stands together, and the batches come in an order drawn from ``chance``."""
    order = sorted(chance.sample(lessons, len(lessons)), key=lambda lesson: len(lesson.tokens))
    made: list[list[Lesson]] = []
    for lesson in order:
        if made and len(lesson.tokens) * (len(made[-1]) + 1) <= most:
            made[-1].append(lesson)
        else:
            made.append([lesson])
    chance.shuffle(made)
    yield from made


def laid_out(lessons: Sequence[Lesson], device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Tokens (B, T) and targets (B, T), which are ``IGNORED`` where nothing is learnt. Padding stands at the end, where
    no causal row looks."""
    longest = max(len(lesson.tokens) for lesson in lessons) - 1
    tokens_BT = torch.zeros(len(lessons), longest, dtype=torch.long)
    targets_BT = torch.full_like(tokens_BT, IGNORED)
    for row, lesson in enumerate(lessons):
        ids = torch.tensor(lesson.tokens)
        tokens_BT[row, : len(ids) - 1] = ids[:-1]
        targets_BT[row, lesson.first - 1 : len(ids) - 1] = ids[lesson.first :]
    return tokens_BT.to(device), targets_BT.to(device)
