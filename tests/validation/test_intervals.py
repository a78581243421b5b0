"""Bootstrap intervals cover what they should, and groups widen them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from alen.validation import metrics


def test_mean_interval_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 1000)
    found = metrics.mean_estimate(values)
    half = 1.96 * values.std() / math.sqrt(1000)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.02)
    assert found.high == pytest.approx(values.mean() + half, abs=0.02)
    assert found.n == 1000


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        found = metrics.mean_estimate((generator.random(60) < 0.3).astype(float), draws=400, seed=seed)
        covered += found.low <= 0.3 <= found.high
    assert 85 <= covered <= 100


def test_groups_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(2).random(50), 10)
    alone = metrics.mean_estimate(values)
    grouped = metrics.mean_estimate(values, groups=np.repeat(np.arange(50), 10).tolist())
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_pairs_stay_together() -> None:
    slow = np.random.default_rng(3).random(200) + 1.0
    found = metrics.ratio_of_medians(slow / 4, slow)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_gain_interval_tells_skill_from_none() -> None:
    generator = np.random.default_rng(4)
    p = generator.uniform(0.05, 0.95, 800)
    y = (generator.random(800) < p).astype(float)
    skill = metrics.bootstrap(metrics.log_loss_gain, p, y, draws=500)
    none = metrics.bootstrap(metrics.log_loss_gain, p, generator.permutation(y), draws=500)
    assert 0 < skill.low < skill.value < skill.high
    assert none.high < 0


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(30.0)
    assert metrics.mean_estimate(values, seed=5) == metrics.mean_estimate(values, seed=5)
    assert metrics.mean_estimate(values, seed=5) != metrics.mean_estimate(values, seed=6)


def test_what_does_not_exist_is_null_in_json() -> None:
    found = metrics.bootstrap(metrics.auroc, [0.1, 0.2], [1, 1], draws=10)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == {
        "value": None,
        "low": None,
        "high": None,
        "n": 2,
    }


def test_unequal_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        metrics.bootstrap(metrics.auroc, [0.1, 0.2], [1])
    with pytest.raises(ValueError, match="equally long"):
        metrics.mean_estimate([])
