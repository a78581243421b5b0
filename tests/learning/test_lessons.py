"""Texts cut into lessons, and lessons laid out as batches."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from alen.learning.lessons import Lesson, batches, laid_out, windows
from alen.neural.loss import IGNORED


@given(st.integers(0, 60), st.integers(1, 20))
def test_every_token_but_the_first_is_learnt_once(count: int, length: int) -> None:
    tokens = list(range(count))
    learnt = [token for lesson in windows(tokens, length) for token in lesson.tokens[lesson.first :]]
    assert learnt == tokens[1:]
    assert all(lesson.learnt <= length for lesson in windows(tokens, length))


def test_what_is_read_is_not_learnt() -> None:
    tokens_BT, targets_BT = laid_out([Lesson((5, 6, 7, 8), first=2), Lesson((1, 2))])
    assert tokens_BT.tolist() == [[5, 6, 7], [1, 0, 0]]
    assert targets_BT.tolist() == [[IGNORED, 7, 8], [2, IGNORED, IGNORED]]


@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(8, 100), st.integers(0, 5))
def test_batches_hold_every_lesson_once_and_no_more_than_is_allowed(sizes: list[int], most: int, seed: int) -> None:
    lessons = [Lesson(tuple(range(size))) for size in sizes]
    made = list(batches(lessons, most, random.Random(seed)))
    assert sorted(len(lesson.tokens) for batch in made for lesson in batch) == sorted(sizes)
    assert all(len(batch) == 1 or len(batch) * max(len(one.tokens) for one in batch) <= most for batch in made)
    assert made == list(batches(lessons, most, random.Random(seed)))
