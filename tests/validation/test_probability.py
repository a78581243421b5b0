"""Probability metrics against values worked out by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from alen.validation import metrics


def random_rows(n: int, seed: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = generator.random(n)
    return np.round(p, 1) if ties else p, (generator.random(n) < p).astype(float)


def test_auroc_by_hand() -> None:
    # pairs (right, wrong): 0.9>0.4, 0.9>0.6, 0.5>0.4, 0.5<0.6, so 3 of 4
    assert metrics.auroc([0.9, 0.4, 0.6, 0.5], [1, 0, 0, 1]) == 0.75
    assert metrics.auroc([0.3, 0.3], [1, 0]) == 0.5
    assert math.isnan(metrics.auroc([0.3, 0.4], [1, 1]))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int, ties: bool) -> None:
    p, y = random_rows(257, seed, ties=ties)
    assert metrics.auroc(p, y) == pytest.approx(reference.roc_auc_score(y, p), abs=1e-12)
    assert metrics.brier(p, y) == pytest.approx(reference.brier_score_loss(y, p), abs=1e-12)
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    assert metrics.log_loss(p, y) == pytest.approx(reference.log_loss(y, inside), abs=1e-9)


def test_ece_by_hand() -> None:
    # two bins of two: |0.15 - 0.5| and |0.85 - 1.0|, each with half of the rows
    assert metrics.ece([0.1, 0.2, 0.8, 0.9], [0, 1, 1, 1], bins=2) == pytest.approx(0.25)
    assert metrics.ece([1.0, 0.0], [1, 0], bins=15) == 0.0


def test_ece_is_what_its_bins_show() -> None:
    p, y = random_rows(803, 1, ties=True)
    bins = metrics.reliability_bins(p, y)
    assert [part.count for part in bins] == [54] * 8 + [53] * 7
    assert sum(part.count for part in bins) == 803
    expected = sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / 803
    assert metrics.ece(p, y) == pytest.approx(expected)


def test_ece_does_not_depend_on_the_order_of_rows() -> None:
    p, y = random_rows(400, 2, ties=True)
    shuffled = np.random.default_rng(0).permutation(400)
    assert metrics.ece(p, y) == pytest.approx(metrics.ece(p[shuffled], y[shuffled]))


def test_noise_floor_contains_calibrated_probabilities_and_not_shifted_ones() -> None:
    p, y = random_rows(800, 3, ties=False)
    mean, high = metrics.ece_noise_floor(p, draws=500)
    assert 0.01 < mean < high < 0.08
    assert metrics.ece(p, y) <= high
    assert metrics.ece(np.clip(p + 0.2, 0, 1), y) > high
    larger = metrics.ece_noise_floor(np.tile(p, 16), draws=50)
    assert larger[0] == pytest.approx(mean / 4, rel=0.3)


def test_log_loss_gain_by_hand() -> None:
    # base rate 0.5 costs ln 2; 0.8 on what happened costs -ln 0.8
    assert metrics.base_rate_log_loss([1, 0]) == pytest.approx(math.log(2))
    assert metrics.log_loss_gain([0.8, 0.2], [1, 0]) == pytest.approx(math.log(2) + math.log(0.8))
    assert metrics.log_loss_gain([0.5, 0.5], [1, 0]) == pytest.approx(0.0)
    assert metrics.log_loss_gain([0.2, 0.8], [1, 0]) < 0


def test_certain_and_wrong_is_finite() -> None:
    assert metrics.log_loss([0.0], [1]) == pytest.approx(-math.log(1e-6))


@pytest.mark.parametrize(
    ("scores", "right"), [([], []), ([0.1], [1, 0]), ([math.nan], [1]), ([0.5], [2]), ([[0.5]], [[1]])]
)
def test_wrong_rows_are_refused(scores: list[float], right: list[int]) -> None:
    with pytest.raises(ValueError, match="scores"):
        metrics.auroc(scores, right)
