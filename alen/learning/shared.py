"""Lessons that begin alike, side by side in one row: what they share is read once.

Axes: T places of the row, S the places that they see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alen.learning.lessons import Lesson
from alen.neural.loss import IGNORED


@dataclass(frozen=True, slots=True)
class SharedRow:
    """``mask_TS`` lets every place see what is before it in its own lesson, and the beginning of all."""

    tokens_T: Tensor
    positions_T: Tensor
    mask_TS: Tensor
    targets_T: Tensor


def beginning(lessons: Sequence[Lesson]) -> int:
    """How many tokens all of them begin with, short of what any of them learns: the last of these predicts for all."""
    most = min(min(lesson.first for lesson in lessons), min(len(lesson.tokens) for lesson in lessons) - 1) - 1
    first = lessons[0].tokens
    for place in range(max(0, most)):
        if any(lesson.tokens[place] != first[place] for lesson in lessons):
            return place
    return max(0, most)


def side_by_side(lessons: Sequence[Lesson], shared: int) -> SharedRow:
    """The first ``shared`` tokens once, then the rest of each lesson but its last token, which is only predicted."""
    tokens, positions = list(lessons[0].tokens[:shared]), list(range(shared))
    owner, targets = [-1] * shared, [IGNORED] * shared
    for number, lesson in enumerate(lessons):
        last = len(lesson.tokens) - 1
        tokens += lesson.tokens[shared:last]
        positions += range(shared, last)
        owner += [number] * (last - shared)
        targets += [lesson.tokens[at + 1] if at + 1 >= lesson.first else IGNORED for at in range(shared, last)]
    owner_T, order_T = torch.tensor(owner), torch.arange(len(owner))
    own_TS = (owner_T[:, None] == owner_T[None]) | (owner_T[None] < 0)
    return SharedRow(
        torch.tensor(tokens),
        torch.tensor(positions),
        own_TS & (order_T[None] <= order_T[:, None]),
        torch.tensor(targets),
    )
