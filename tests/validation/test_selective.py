"""Risk and coverage against values worked out by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from alen.validation import metrics


def test_curve_by_hand() -> None:
    coverage, risk = metrics.risk_coverage([0.9, 0.1, 0.8, 0.5], [1, 0, 0, 1])
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert metrics.aurc([0.9, 0.1, 0.8, 0.5], [1, 0, 0, 1]) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_ties_are_the_mean_over_their_orders() -> None:
    tied = metrics.aurc([0.9, 0.5, 0.5], [1, 0, 1])
    orders = [metrics.aurc([0.9, 0.51, 0.5], [1, first, 1 - first]) for first in (0, 1)]
    assert tied == pytest.approx(np.mean(orders))


def test_perfect_random_and_reversed_rankings() -> None:
    right = np.array([1, 1, 0, 0, 0])
    assert metrics.excess_aurc(right, right) == 0
    assert metrics.rejection_ratio(right * 0.9, right) == pytest.approx(1.0)
    assert metrics.rejection_ratio(np.full(5, 0.4), right) == pytest.approx(0.0)
    assert metrics.rejection_ratio(1 - right, right) < 0
    assert math.isnan(metrics.rejection_ratio([0.1, 0.2], [1, 1]))


@pytest.mark.parametrize("seed", range(8))
def test_rejection_ratio_equals_brute_force(seed: int) -> None:
    """Answers are rejected one by one, the least sure first, in every order that equal probabilities leave open."""
    rng = np.random.default_rng(seed)
    p, right = rng.integers(0, 4, 7) / 4, rng.permutation([0, 1, *rng.integers(0, 2, 5)])

    def area(order: tuple[int, ...]) -> float:
        return sum(1 - right[list(order[rejected:])].mean() for rejected in range(7)) / 7

    orders = list(itertools.permutations(range(7)))
    left_open = [area(order) for order in orders if all(p[a] <= p[b] for a, b in itertools.pairwise(order))]
    ours, perfect, random = np.mean(left_open), min(map(area, orders)), np.mean([area(order) for order in orders])
    assert metrics.aurc(p, right) == pytest.approx(ours)
    assert metrics.rejection_ratio(p, right) == pytest.approx((random - ours) / (random - perfect))


def test_threshold_includes_its_own_value() -> None:
    found = metrics.at_threshold([0.5, 0.49, 0.9, 0.7], [1, 1, 0, 1], 0.5)
    assert (found.answered, found.right, found.coverage, found.precision) == (3, 2, 0.75, pytest.approx(2 / 3))
    nothing = metrics.at_threshold([0.1], [1], 0.5)
    assert nothing.coverage == 0
    assert nothing.to_json()["precision"] is None
