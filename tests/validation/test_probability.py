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


def test_brier_parts_by_hand() -> None:
    # isotonic fit of 0, 1, 0, 1 at rising p: 0, 1/2, 1/2, 1, whose score is 1/8; the base rate 1/2 scores 1/4
    p, y = [0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]
    parts = metrics.brier_parts(p, y)
    assert metrics.brier(p, y) == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert parts.reliability == pytest.approx(0.185 - 0.125)
    assert parts.resolution == pytest.approx(0.25 - 0.125)
    assert parts.uncertainty == pytest.approx(0.25)


@pytest.mark.parametrize("ties", [False, True])
def test_brier_parts_add_up_and_are_those_of_an_isotonic_fit(ties: bool) -> None:
    from sklearn.isotonic import IsotonicRegression

    p, y = random_rows(400, 3, ties=ties)
    parts = metrics.brier_parts(p, y)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(metrics.brier(p, y), abs=1e-12)
    fitted = IsotonicRegression().fit_transform(p, y)
    assert parts.reliability == pytest.approx(reference.brier_score_loss(y, p) - np.mean((fitted - y) ** 2), abs=1e-9)
    assert min(parts.reliability, parts.resolution) >= 0


def test_debiased_ece_by_hand() -> None:
    # one bin: gap 0.7 - 0.5 = 0.2, deviation sqrt(0.25/4) = 0.25; 2·0.2 - E|N(0.2, 0.25)|
    folded = 0.25 * math.sqrt(2 / math.pi) * math.exp(-0.32) + 0.2 * math.erf(0.8 / math.sqrt(2))
    assert metrics.debiased_ece([0.7] * 4, [1, 0, 1, 0], bins=1) == pytest.approx(0.4 - folded)
    assert metrics.debiased_ece([1.0, 0.0], [1, 0]) == 0.0


def test_debiased_ece_is_that_of_many_draws() -> None:
    """Kumar, Liang and Ma draw the accuracies of the bins anew; the closed form is the limit of many draws."""
    p, y = random_rows(300, 4, ties=False)
    bins = metrics.reliability_bins(p, y)
    size = np.array([part.count for part in bins])
    accuracy = np.array([part.accuracy for part in bins])
    confidence = np.array([part.confidence for part in bins])
    deviation = np.sqrt(accuracy * (1 - accuracy) / size)
    drawn = accuracy + deviation * np.random.default_rng(0).standard_normal((200_000, len(bins)))
    again = (np.abs(confidence - drawn) @ size / size.sum()).mean()
    assert metrics.debiased_ece(p, y) == pytest.approx(2 * metrics.ece(p, y) - again, abs=2e-4)


def test_debiasing_takes_off_what_chance_adds() -> None:
    """Perfect probabilities: the plain error stays at its noise floor, the debiased one comes nearer to zero."""
    plain, debiased = [], []
    for seed in range(60):
        p, y = random_rows(500, seed, ties=False)
        plain.append(metrics.ece(p, y))
        debiased.append(metrics.debiased_ece(p, y))
    assert np.mean(debiased) < 0.6 * np.mean(plain)


def test_agrees_with_torchmetrics() -> None:
    """Its bins are equally wide; ours are equally full, so the two meet where every bin holds one probability."""
    import torch

    oracle = pytest.importorskip(
        "torchmetrics.functional.classification", reason="needs torchmetrics: pip install -e '.[dev]'"
    )
    generator = np.random.default_rng(5)
    p = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 40)
    y = (generator.random(200) < p).astype(float)
    scores, labels = torch.tensor(p), torch.tensor(y, dtype=torch.int64)
    expected = oracle.binary_calibration_error(scores, labels, n_bins=5, norm="l1")
    assert metrics.ece(p, y, bins=5) == pytest.approx(float(expected), abs=1e-6)
    p, y = random_rows(300, 6, ties=True)
    scores, labels = torch.tensor(p), torch.tensor(y, dtype=torch.int64)
    assert metrics.auroc(p, y) == pytest.approx(float(oracle.binary_auroc(scores, labels)), abs=1e-6)
