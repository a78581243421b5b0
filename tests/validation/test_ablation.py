"""What each check is worth, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alen.core.belief import Belief, Family
from alen.core.calibration import Calibrator
from alen.core.energy import Energy, Term
from alen.types import Check
from alen.validation.ablation import CheckWorth, ablation
from alen.validation.graded import Graded
from tests.validation.graded_rows import graded

BELIEF = Belief({"read": Family(Energy(0.0, (Term("good", 0.0, 1.0, 2.0, -0.5), Term("idle", 0.0, 1.0, 0.0))))})


def row(number: int, right: bool, **values: float | None) -> Graded:
    checks = tuple(
        Check(name, "not_applicable" if value is None else "pass" if value > 0 else "fail", value)
        for name, value in values.items()
    )
    return graded(number, 0.5, right, checks=checks)


def worth(rows: list[Graded], belief: Belief | None = BELIEF) -> dict[str, CheckWorth]:
    return {found.name: found for found in ablation(rows, belief)}


def test_by_hand() -> None:
    rows = [row(0, True, good=1.0), row(1, False, good=-1.0), row(2, True, good=None), row(3, False, good=1.0)]
    good = worth(rows)["good"]
    assert (good.applied, good.passed, good.failed) == (3, 2, 1)
    assert (good.right_when_passed.value, good.right_when_failed.value) == (0.5, 0.0)
    assert good.auroc.value == pytest.approx(0.75)  # 1 above -1, tied with 1
    assert good.auroc.n == 3

    def loss(log_odds: float, right: bool) -> float:
        return math.log1p(math.exp(-log_odds if right else log_odds))

    whole = loss(2, True) + loss(-2, False) + loss(-0.5, True) + loss(2, False)
    assert good.log_loss.value == pytest.approx((4 * math.log(2) - whole) / 4)
    # with it: right at 2 and -0.5, wrong at -2 and 2: 1.5 + 1 of 4 pairs; without it all are tied
    assert good.ranking == pytest.approx(2.5 / 4 - 0.5)


def test_a_check_without_weight_changes_nothing() -> None:
    idle = worth([row(0, True, idle=1.0), row(1, False, idle=-1.0)])["idle"]
    assert (idle.log_loss.value, idle.ranking) == (0.0, 0.0)
    assert idle.auroc.value == 1.0


def test_the_calibrator_of_the_family_maps_both() -> None:
    family = Family(BELIEF.families["read"].energy, Calibrator(0.0, 0.0, (), ()))
    flat = worth([row(0, True, good=1.0), row(1, False, good=-1.0)], Belief({"read": family}))["good"]
    assert flat.log_loss.value == 0.0


def test_what_rivals_cost_is_left_out_as_any_check() -> None:
    """At log-odds of 2 with a rival that costs 2, one half is left."""
    rows = [row(0, False, good=1.0, contradicted=-2.0), row(1, True, good=1.0)]
    found = worth(rows)
    assert found["contradicted"].log_loss.value == pytest.approx((math.log1p(math.exp(2)) - math.log(2)) / 2, abs=1e-3)
    # Without the other check even odds lose 2 to the rival.
    wrong = math.log1p(math.exp(-2)) - math.log(2)
    right = math.log(2) - math.log1p(math.exp(-2))
    assert found["good"].log_loss.value == pytest.approx((wrong + right) / 2, abs=1e-3)


def test_without_a_belief_a_check_stands_alone() -> None:
    alone = worth([row(0, True, good=1.0), row(1, False, good=-1.0)], None)["good"]
    assert alone.log_loss.n == 0
    assert math.isnan(alone.ranking)
    assert alone.auroc.value == 1.0
    assert alone.to_json()["auroc_added"] is None


def test_candidates_of_an_unknown_family_do_not_count() -> None:
    rows = [row(0, True, good=1.0), row(1, False, good=-1.0), graded(2, 0.5, False, family="odd", checks=())]
    assert worth(rows)["good"].log_loss.n == 2


def test_the_check_that_matters_most_comes_first() -> None:
    generator = np.random.default_rng(0)
    rows = []
    for number in range(60):
        right = bool(generator.random() < 0.5)
        rows.append(
            row(number, right, idle=float(generator.normal()), good=float(generator.normal(1 if right else -1)))
        )
    assert [found.name for found in ablation(rows, BELIEF)] == ["good", "idle"]
    assert ablation(rows, BELIEF)[0].log_loss.low > 0


def test_shuffled_labels_make_every_check_worthless() -> None:
    """The negative control: a check that tells right from wrong tells nothing of labels that were dealt out anew."""
    generator = np.random.default_rng(1)
    labels = generator.random(400) < 0.5
    values = generator.normal(np.where(labels, 1.0, -1.0))
    dealt = generator.permutation(labels)
    honest = worth([row(i, bool(labels[i]), good=float(values[i])) for i in range(400)], None)["good"].auroc
    control = worth([row(i, bool(dealt[i]), good=float(values[i])) for i in range(400)], None)["good"].auroc
    assert honest.low > 0.85
    assert control.low < 0.5 < control.high
