"""Platt's map and Venn–Abers bounds against scikit-learn, a brute force and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alen.core.calibration import Calibrator, isotonic, log_losses, sigmoid
from alen.core.venn_abers import VennAbers


def _sample(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, n)
    return scores, (rng.random(n) < sigmoid(2 * scores - 1)).astype(int)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=1, max_size=40))
def test_isotonic_equals_scikit_learn(rows):
    regression = pytest.importorskip(
        "sklearn.isotonic", reason="needs scikit-learn: pip install -e '.[dev]'"
    ).IsotonicRegression()
    x, y = np.array(rows, dtype=float).T
    np.testing.assert_allclose(isotonic(x, y), regression.fit(x, y).predict(x), atol=1e-9)


def test_log_losses_equal_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn: pip install -e '.[dev]'")
    scores, labels = _sample(200, 5)
    losses = log_losses(sigmoid(scores), labels)
    assert losses.shape == (200,)
    assert losses.mean() == pytest.approx(metrics.log_loss(labels, sigmoid(scores)))


def test_no_single_answer_costs_without_end():
    losses = log_losses(np.array([0.0, 1.0, 1.0]), np.array([1, 0, 1]))
    np.testing.assert_allclose(losses, [-np.log(1e-4), -np.log(1e-4), -np.log(1 - 1e-4)])


def test_platt_finds_the_map_that_made_the_labels():
    calibrator = Calibrator.fit(*_sample(20_000, 0))
    assert calibrator.slope == pytest.approx(2.0, abs=0.1)
    assert calibrator.intercept == pytest.approx(-1.0, abs=0.1)


@pytest.mark.parametrize(("n", "bent", "by_steps"), [(4000, True, True), (900, True, False), (4000, False, False)])
def test_steps_are_taken_where_they_fit_better_and_there_is_enough(n: int, bent: bool, by_steps: bool) -> None:
    rng = np.random.default_rng(6)
    scores = rng.normal(0, 1.5, n)
    truth = np.where(scores < 0, 0.05, np.where(scores < 0.2, 0.5, 0.6)) if bent else sigmoid(2 * scores - 1)
    fitted = Calibrator.fit(scores, (rng.random(n) < truth).astype(int))
    assert bool(fitted.steps) == by_steps


def test_interval_holds_the_probability_and_is_honest():
    scores, labels = _sample(600, 1)
    calibrator = Calibrator.fit(scores, labels)
    for score in (-3.0, -0.5, 0.5, 2.0):
        low, high = calibrator.interval(score)
        assert 0.0 <= low <= calibrator.probability(score) <= high <= 1.0
        assert low - 0.1 <= sigmoid(2 * score - 1) <= high + 0.1


@pytest.mark.parametrize("seed", range(6))
def test_bounds_equal_brute_force(seed: int) -> None:
    """The definition of Venn–Abers: the score joins the known ones with either label, and isotonic regression says how
    likely it is to be right. Scores on a grid, so that many are equal, to each other and to the new ones."""
    regression = pytest.importorskip("sklearn.isotonic", reason="needs scikit-learn: pip install -e '.[dev]'")
    rng = np.random.default_rng(seed)
    known = rng.integers(-8, 9, 60) / 4
    labels = (rng.random(60) < sigmoid(2 * known)).astype(int)
    steps = tuple((score, float(sigmoid(score))) for score in np.linspace(-3.0, 3.0, 25))
    calibrator = Calibrator(1.0, 0.0, tuple(known), tuple(labels.tolist()), steps)
    for score in [*np.unique(known), *rng.uniform(-3.0, 3.0, 20)]:
        p0, p1 = (
            float(regression.IsotonicRegression().fit([*known, score], [*labels, joined]).predict([score])[0])
            for joined in (0, 1)
        )
        assert VennAbers(calibrator.scores, calibrator.labels).bounds(score) == pytest.approx((p0, p1), abs=1e-9)
        p = calibrator.probability(score)
        assert calibrator.interval(score) == pytest.approx((min(p0, p), max(p1, p)), abs=1e-9)


def test_interval_narrows_with_data():
    widths = [np.subtract(*Calibrator.fit(*_sample(n, 2)).interval(0.5)[::-1]) for n in (60, 5000)]
    assert widths[1] < widths[0]


def test_separable_data_do_not_claim_certainty():
    scores = np.array([-2.0] * 30 + [2.0] * 30)
    calibrator = Calibrator.fit(scores, (scores > 0).astype(int))
    assert calibrator.probability(2.0) < 0.99
    assert calibrator.probability(-2.0) > 0.01


def test_anti_correlated_scores_are_never_turned_round():
    scores, labels = _sample(500, 3)
    assert Calibrator.fit(-scores, labels).slope == 0.0


def test_round_trip():
    calibrator = Calibrator.fit(*_sample(100, 4))
    again = Calibrator.from_json(calibrator.to_json())
    assert again.interval(0.3) == calibrator.interval(0.3)
