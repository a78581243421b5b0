"""Learning from one graded answer at a time, on a copy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alen.core.energy import Energy, Term
from alen.core.online import EPOCH, RATE, Shadow
from alen.types import Check


def _look(value: float | None) -> list[Check]:
    return [Check("a", "not_applicable" if value is None else "pass", value)]


def test_a_step_by_hand() -> None:
    shadow = Shadow(Energy(0.2, (Term("a", 1.0, 2.0, 0.5),)))
    after = shadow.learned(_look(3.0), 0.6, False)
    # Log-odds 0.2 + 0.5 * (3 - 1) / 2 = 0.7; the surprise is minus its probability.
    surprise = -1 / (1 + math.exp(-0.7))
    assert after.energy.bias == pytest.approx(0.2 + RATE * surprise)
    assert after.energy.terms[0].weight == pytest.approx(0.5 + RATE * surprise * 1.0)
    assert (after.window[0].score, after.window[0].said, after.window[0].right) == (pytest.approx(0.7), 0.6, 0)
    assert shadow.window == ()


def test_no_weight_falls_below_zero_and_what_did_not_apply_is_left_alone() -> None:
    shadow = Shadow(Energy(0.0, (Term("a", 0.0, 1.0, 0.01), Term("b", 0.0, 1.0, 0.4))))
    after = shadow.learned(_look(9.0), 0.5, False)
    assert [term.weight for term in after.energy.terms] == [0.0, 0.4]
    assert after.learned(_look(None), 0.5, True).energy.terms == after.energy.terms


def _graded(count: int, slope: float, said: float, seed: int = 0) -> Shadow:
    rng = np.random.default_rng(seed)
    shadow = Shadow(Energy(0.0, (Term("a", 0.0, 1.0, 0.2),)))
    for _ in range(count):
        value = float(rng.normal())
        shadow = shadow.learned(_look(value), said, bool(rng.random() < 1 / (1 + math.exp(-slope * value))))
    return shadow


def test_an_epoch_ends_when_there_is_enough_and_it_pays() -> None:
    assert _graded(EPOCH - 1, 3.0, 0.5).epoch() is None
    energy, calibrator = _graded(4 * EPOCH, 3.0, 0.5).epoch() or pytest.fail("it is over, and better than a coin")
    assert energy.terms[0].weight > 1.0
    assert calibrator.probability(-energy.of(_look(2.0))) > 0.9
    assert calibrator.probability(-energy.of(_look(-2.0))) < 0.1


def test_a_copy_that_is_worse_than_what_was_said_stays_a_copy() -> None:
    rng = np.random.default_rng(2)
    shadow = Shadow(Energy(0.0, (Term("a", 0.0, 1.0, 0.2),)))
    for _ in range(2 * EPOCH):
        right = bool(rng.random() < 0.5)
        shadow = shadow.learned(_look(float(rng.normal())), 0.95 if right else 0.05, right)
    assert shadow.epoch() is None


def test_round_trip() -> None:
    shadow = _graded(5, 1.0, 0.4)
    again = Shadow.from_json(shadow.to_json())
    assert again.energy == shadow.energy
    assert [entry.right for entry in again.window] == [entry.right for entry in shadow.window]
