"""Refinements that are off are measured as those that are on: a check that tells something gains, noise does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.benchmark import refinements
from alen.benchmark.refinements import Scope
from alen.benchmark.verification import Looked
from alen.core.checks import check
from tests.cli.hash_encoder import HashEncoder


class _Scorer:
    def __init__(self) -> None:
        self.asked = 0

    def score(self, messages: Any, replies: Sequence[str], *, cancel: Any = None) -> list[tuple[float, ...]]:
        self.asked += 1
        likely = -1.0 if "is 7" in messages[-1]["content"] or "is: 7" in messages[-1]["content"] else -2.0
        return [(likely, likely) for _ in replies]


def _line(number: int, said: str = "7") -> dict[str, Any]:
    question = f"What are 3 and 4, number {number}?"
    reply = {"text": said, "tokens": [1], "logprobs": [-0.5], "finish": "stop"}
    told = {"question": question, "greedy": reply, "samples": []}
    return {"id": str(number), "set": "made", "group": f"g{number}"} | told


def test_what_was_asked_is_kept(tmp_path: Path) -> None:
    lines = [_line(number) | {"samples": [_line(0, "8")["greedy"]]} for number in range(3)]
    scorer, out = _Scorer(), tmp_path / "more" / "kept.jsonl"
    told = refinements.asked_back(lines[:2], scorer, out)
    assert told[0]["backward"] == pytest.approx(0.5)
    assert told[0]["masked_condition"] == pytest.approx(1.0)
    before = scorer.asked
    again = refinements.asked_back(lines, scorer, out)
    assert again[:2] == told
    assert scorer.asked == before + before // 2


def test_a_check_that_tells_something_gains() -> None:
    rng = np.random.default_rng(0)
    lines = [_line(number) | {"is_right": bool(number % 3)} for number in range(400)]
    right = np.array([float(line["is_right"]) for line in lines])
    weak = right + rng.normal(0, 2, 400)
    checks = [[check("likelihood", float(value))] for value in weak]
    looked = Looked("made", lines, checks, rng.normal(size=(400, 4)), HashEncoder())
    told = [
        {"backward": float(r + n), "masked_condition": float(m) if place % 2 else None}
        for place, (r, n, m) in enumerate(zip(right, rng.normal(0, 0.3, 400), rng.normal(size=400), strict=True))
    ]
    telling, noise = refinements.gains(looked, told)
    assert telling.alone > 0.95
    assert (telling.applies, noise.applies) == (1.0, 0.5)
    assert refinements.gain_of([telling], 50).low > 0.1
    assert abs(refinements.gain_of([noise], 50).value) < 0.03


def test_whitening_takes_away_what_all_questions_share() -> None:
    rng = np.random.default_rng(0)
    general = rng.normal(size=(500, 6)) * [9, 1, 1, 1, 1, 1] + 3
    space = refinements.whitened(general, 6)
    moved = space(general)
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1.0)
    assert np.abs(moved.mean(0)).max() < 0.05
    assert np.cov(moved.T) == pytest.approx(np.eye(6) / 6, abs=0.03)
    assert refinements.whitened(general, 2)(general).shape == (500, 2)


def test_scope_by_hand() -> None:
    near, far = np.array([[1.0, 0.0]] * 12), np.array([[0.0, 1.0]])
    scope = Scope(near, ["a"] * 12, near[:2], ["a", "b"], far)
    scores, inside = scope.familiar()
    assert scores.tolist() == [0.0, 0.0, -1.0]
    assert inside.tolist() == [1, 1, 0]
    assert scope.nearest_right().tolist() == [1.0, 0.0]
    assert scope.through(lambda vectors: -vectors).known_ND[0].tolist() == [-1.0, 0.0]
