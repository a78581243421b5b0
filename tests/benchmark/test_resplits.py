"""A certificate that is drawn anew keeps its word; one whose risk part lies does not, and is caught."""

from __future__ import annotations

import numpy as np
import pytest

from alen.benchmark import resplits
from alen.benchmark.resplits import gate
from alen.core.abstention import Certificate


def _questions(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    p = rng.random(count)
    return p, (rng.random(count) < p).astype(int), [f"{place // 2}" for place in range(count)]


def test_it_keeps_its_word() -> None:
    found = gate(*_questions(1500), 0.2, resplits=200)
    assert found.certified > 100
    assert found.share <= found.allowed
    assert found.allowed == pytest.approx(0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5)


def test_what_answers_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resplits, "certify", lambda p, right, alpha, delta: Certificate(alpha, delta, 0.0, 1, 0))
    found = gate(*_questions(400), 0.2, resplits=50)
    assert found.broken == 50
    assert found.share > found.allowed


def test_nothing_certified_breaks_nothing() -> None:
    p, right, groups = _questions(400)
    found = gate(p, np.zeros_like(right), groups, 0.1, resplits=20)
    assert (found.certified, found.broken) == (0, 0)
