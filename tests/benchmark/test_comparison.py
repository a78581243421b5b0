"""Paired comparison over sets: against hand-made rankings, a library's correction and labels without meaning."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from alen.benchmark.comparison import Scored, best_average, calibrated, difference, holm, macro
from alen.validation.probability import auroc, log_loss


def scored(seed: int, count: int = 300, strength: float = 2.0) -> Scored:
    """``good`` knows something, ``poor`` nothing; three rows of each group share their label."""
    generator = np.random.default_rng(seed)
    right = np.repeat(generator.random(count // 3) < 0.5, 3).astype(float)
    noise = generator.normal(size=(2, count))
    groups = [f"{row // 3}" for row in range(count)]
    return Scored(right, groups, {"good": strength * right + noise[0], "poor": noise[1]})


def test_a_better_estimator_is_found_better_and_by_how_much() -> None:
    sets = [scored(seed) for seed in range(3)]
    found = difference(auroc, sets, "good", "poor", draws=300)
    by_hand = np.mean(
        [roc_auc_score(s.right, s.scores["good"]) - roc_auc_score(s.right, s.scores["poor"]) for s in sets]
    )
    assert found.estimate.value == pytest.approx(by_hand, abs=1e-12)
    assert 0 < found.estimate.low < by_hand < found.estimate.high
    assert found.p < 0.01
    assert best_average(sets, ("poor", "good")) == "good"
    backwards = difference(auroc, sets, "poor", "good", draws=300)
    assert backwards.estimate.low == pytest.approx(-found.estimate.high)


def test_an_estimator_does_not_differ_from_itself() -> None:
    found = difference(auroc, [scored(0)], "good", "good", draws=50)
    assert (found.estimate.value, found.estimate.low, found.estimate.high, found.p) == (0, 0, 0, 1)


def test_shuffled_labels_give_a_half() -> None:
    whole = scored(1, 3000)
    shuffled = np.random.default_rng(0).permutation(whole.right)
    found = macro(auroc, [Scored(shuffled, whole.groups, whole.scores)], "good", draws=200)
    assert found.low < 0.5 < found.high
    assert abs(found.value - 0.5) < 0.04


def test_groups_are_drawn_whole() -> None:
    """Rows that only repeat others add no certainty."""
    few = scored(2, 300)
    many = Scored(
        np.tile(few.right, 10), [*few.groups] * 10, {name: np.tile(column, 10) for name, column in few.scores.items()}
    )
    one, ten = (macro(auroc, [each], "good", draws=300) for each in (few, many))
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.3)


def test_holm_as_worked_by_hand() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@pytest.mark.parametrize("count", [200, 2000])
def test_calibration_comes_near_the_true_probabilities(count: int) -> None:
    generator = np.random.default_rng(3)
    scores = generator.normal(size=count) * 5 + 40
    truth = 1 / (1 + np.exp(-(scores - 41) / 3))
    right = (generator.random(count) < truth).astype(float)
    wanted = generator.normal(size=1000) * 5 + 40
    told = calibrated(scores, right, wanted)
    asked = 1 / (1 + np.exp(-(wanted - 41) / 3))
    assert np.abs(told - asked).mean() < 0.06
    assert np.all((told > 0) & (told < 1))


def test_a_bent_scale_is_calibrated_by_steps_when_there_is_enough() -> None:
    generator = np.random.default_rng(4)
    scores = generator.random(4000)
    truth = np.where(scores < 0.5, 0.05, np.where(scores < 0.55, 0.5, 0.6))
    right = (generator.random(4000) < truth).astype(float)
    told = calibrated(scores[:2000], right[:2000], scores[2000:])
    assert log_loss(told, right[2000:]) < log_loss(truth[2000:], right[2000:]) + 0.02


def test_numbers_of_two_turns_are_not_ranked_against_each_other() -> None:
    """The second turn's fit says of everything that it is right."""
    right = np.array([0, 0, 1, 1] * 10, dtype=float)
    turns = np.repeat([0.0, 1.0], 20)
    scores = {"shifted": right + 10 * turns}
    groups = [str(place) for place in range(40)]
    assert Scored(right, groups, scores).measured(auroc, "shifted") == pytest.approx(0.75)
    one = Scored(right, groups, scores, turns)
    assert one.measured(auroc, "shifted") == 1.0
    assert macro(auroc, [one], "shifted", draws=20).low == 1.0
    # A turn in which all are right tells nothing.
    assert one.measured(auroc, "shifted", np.array([0, 2, 22, 23])) == 1.0
    assert np.isnan(one.measured(auroc, "shifted", np.array([2, 22])))


def test_many_draws_at_once_are_what_each_draw_would_be() -> None:
    """Ties, turns, and draws that hold one label alone."""
    rng = np.random.default_rng(4)
    right = (rng.random(60) < 0.5).astype(float)
    scores = {"a": np.round(rng.random(60), 1), "b": rng.random(60)}
    weight = rng.integers(0, 3, (40, 60))
    weight[0] = right  # wrong ones are not in it
    for turns in (None, rng.integers(0, 3, 60).astype(float)):
        one = Scored(right, [str(row) for row in range(60)], scores, turns)
        for metric in (auroc, log_loss):
            for name in scores:
                rows = [np.repeat(np.arange(60), often) for often in weight]
                slow = [one.measured(metric, name, taken) for taken in rows]
                np.testing.assert_allclose(one.drawn(metric, name, weight), slow, rtol=1e-9)
