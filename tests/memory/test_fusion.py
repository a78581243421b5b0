"""The weighing of signals, by hand."""

from __future__ import annotations

import pytest

from alen.memory.fusion import WEIGHTS, Weights, fuse

HALF = Weights(bm25=0.5, dense=0.25, sentence=0.25)


def test_scores_by_hand() -> None:
    signals = {
        "bm25": {1: 4.0, 2: 1.0},
        "dense": {1: 0.2, 2: 0.6, 3: 0.4},
        "sentence": {1: 0.1, 2: 0.9, 3: 0.9},
    }
    fused = dict(fuse(signals, HALF))
    assert fused[1] == pytest.approx(0.5 * 1 + 0 + 0)
    assert fused[2] == pytest.approx(0.5 * 0.25 + 0.25 * 1 + 0.25 * 1)
    assert fused[3] == pytest.approx(0 + 0.25 * 0.5 + 0.25 * 1)
    assert [item for item, _ in fuse(signals, HALF)] == [2, 1, 3]


def test_a_missing_signal_gives_its_weight_to_the_others() -> None:
    assert fuse({"bm25": {1: 2.0, 2: 1.0}}, HALF) == [(1, 1.0), (2, 0.5)]
    assert fuse({"bm25": {}, "dense": {1: 0.4}, "sentence": {1: 0.2}}, HALF) == [(1, 1.0)]
    assert fuse({}, HALF) == []


def test_equal_scores_are_in_the_order_of_ids() -> None:
    assert [item for item, _ in fuse({"bm25": {9: 1.0, 4: 1.0}}, HALF)] == [4, 9]


def test_the_weights_are_a_convex_combination() -> None:
    assert WEIGHTS.bm25 + WEIGHTS.dense + WEIGHTS.sentence == pytest.approx(1.0)
    assert min(WEIGHTS.bm25, WEIGHTS.dense, WEIGHTS.sentence) >= 0
