"""Fitting: probabilities come out as they were made, and what is certified was not fitted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alen.core.belief import Belief
from alen.core.fitting import Labelled, fit
from alen.errors import BadInput
from alen.types import Check


def _rows(n: int) -> list[Labelled]:
    rng = np.random.default_rng(0)
    rows = []
    for place in range(n):
        value = float(rng.normal())
        right = int(rng.random() < 1 / (1 + np.exp(-2 * value)))
        rows.append(Labelled("read", (Check("answerable", "pass", value),), right, f"group {place // 4}"))
    return rows


def test_probabilities_come_out_as_they_were_made():
    belief, report = fit(_rows(1000), Belief({}), {"fitted_on": "dice"})
    for value in (-1.0, 0.0, 1.0):
        _, p, (low, high) = belief.weigh("read", [Check("answerable", "pass", value)])
        assert p == pytest.approx(1 / (1 + np.exp(-2 * value)), abs=0.08)
        assert low <= p <= high
    assert report["log_loss"] < report["log_loss_of_constant"]
    assert any(certificate["threshold"] is not None for certificate in report["certificates"])


def test_the_best_of_several_is_believed_as_often_as_it_is_right():
    rng = np.random.default_rng(1)
    rows = []
    for question in range(800):
        place = int(rng.integers(0, 8))  # Half the questions have no answer among the four.
        for number in range(4):
            right = int(number == place)
            checks = (Check("answerable", "pass", float(rng.normal(2.0 * right))),)
            rows.append(Labelled("read", checks, right, f"group {question}", question))
    belief, _ = fit(rows, Belief({}), {}, certifying=0.0)
    best = [max(rows[at : at + 4], key=lambda row: row.checks[0].value or 0.0) for at in range(0, len(rows), 4)]
    said = np.mean([belief.weigh("read", row.checks)[1] for row in best])
    assert said == pytest.approx(np.mean([row.right for row in best]), abs=0.01)
    alone, _ = fit([replace(row, question=None) for row in rows], Belief({}), {}, certifying=0.0)
    assert np.mean([alone.weigh("read", row.checks)[1] for row in best]) < said - 0.02


def test_a_family_with_too_few_answers_keeps_what_it_had():
    before, _ = fit(_rows(200), Belief({}), {})
    few = [Labelled("extract", (), 1, str(place)) for place in range(20)]
    after, report = fit([*_rows(200), *few], before, {}, certifying=0.0)
    assert report["families"]["extract"] == {"rows": 20, "right": 20, "fitted": False}
    assert "extract" not in after.families


def test_nothing_to_fit():
    with pytest.raises(BadInput, match="at least 50"):
        fit(_rows(20), Belief({}), {})
