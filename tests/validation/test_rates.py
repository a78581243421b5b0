"""Intervals of shares: Wilson's formula by hand and by scipy, fewer rows' worth where groups move together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from alen.validation import metrics


def test_wilson_by_hand() -> None:
    # p = 1/2, n = 4, z = 1.96: centre 0.5, half = 1.96/(1 + 0.9604)·sqrt(1/16 + 3.8415/64)
    found = metrics.rate_estimate([1, 0, 1, 0])
    z2 = 1.959964**2
    half = 1.959964 / (1 + z2 / 4) * math.sqrt(0.25 / 4 + z2 / 64)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-6)
    assert found.n == 4


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 11), (30, 30), (499, 1000)])
def test_wilson_is_that_of_scipy(right: int, n: int) -> None:
    found = metrics.rate_estimate([1] * right + [0] * (n - right))
    reference = binomtest(right, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_rows_of_one_mind_count_once_a_group() -> None:
    """Ten copies of each of twenty questions are worth twenty questions."""
    values = np.tile([1, 0], 10)
    alone = metrics.rate_estimate(values)
    copied = metrics.rate_estimate(np.repeat(values, 10), np.repeat(np.arange(20), 10).tolist())
    assert copied.n == 200
    # 19 of 20 degrees of freedom are left after the mean, so the copies are worth 19 rows
    assert copied.high - copied.low == pytest.approx((alone.high - alone.low) * math.sqrt(20 / 19), rel=0.02)


def test_groups_of_mixed_rows_are_never_worth_more_than_their_rows() -> None:
    values, groups = [1, 0] * 30, [place // 2 for place in range(60)]
    assert metrics.rate_estimate(values, groups) == metrics.rate_estimate(values)


def test_all_alike_in_few_groups_promises_little() -> None:
    found = metrics.rate_estimate([1] * 100, ["a"] * 50 + ["b"] * 50)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(metrics.rate_estimate([1, 1]).low)


def test_nothing_is_not_zero() -> None:
    found = metrics.rate_estimate([])
    assert found.n == 0
    assert math.isnan(found.value)
    assert found.to_json() == {"value": None, "low": None, "high": None, "n": 0}
