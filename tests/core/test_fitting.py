"""Fitting: probabilities come out as they were made, and what is certified was not fitted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alen.core.belief import Belief
from alen.core.fitting import Labelled, certified, fit, one_of_each
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


def test_lines_of_one_question_are_one_witness() -> None:
    places = one_of_each([1, 2, 4, 5], ["a", "b", "b", "c", "c", "b"])
    assert len(places) == 2
    assert 4 in places


def test_the_witness_of_a_question_is_drawn_by_chance() -> None:
    """A right answer and then a wrong one to each: neither may always be the one that is taken."""
    places = one_of_each(range(400), [f"g{place // 2}" for place in range(400)])
    assert len(places) == 200
    assert 70 < sum(place % 2 for place in places.tolist()) < 130


def test_a_group_may_be_named_by_what_utf8_cannot_hold() -> None:
    assert one_of_each([0, 1], ["half a pair \ud83d", "\ud83d"]).tolist() == [0, 1]


def test_what_is_promised_rests_on_one_question_of_each_group() -> None:
    """With one question each a sixth of the rows promise the same as all of them, and figures rest on all."""
    rows = [replace(row, question=place, group=f"passage {place // 6}") for place, row in enumerate(_rows(600))]
    belief, _ = fit(_rows(400), Belief({}), {}, certifying=0.0)
    found, report = certified(belief, rows)
    assert (report["certified_on"], report["certified_groups"], len(found.graded)) == (600, 100, 100)
    assert all(each["answered"] <= 100 for each in report["certificates"])
    alone = [rows[place] for place in one_of_each(range(600), [row.group for row in rows])]
    assert certified(belief, alone)[0].graded == found.graded
    assert certified(belief, alone)[0].certificates == found.certificates


def test_few_passages_certify_nothing_and_the_report_counts_them() -> None:
    rows = [replace(row, group=f"passage {place % 12}") for place, row in enumerate(_rows(1000))]
    _, report = fit(rows, Belief({}), {})
    assert report["groups"] == 12
    assert report["certified_on"] > 200
    assert 0 < report["certified_groups"] < 9
    assert [found["threshold"] for found in report["certificates"]] == [None] * 4


def test_what_several_sets_have_in_common_is_fitted_and_the_best_check_alone_where_it_is_better() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for place in range(1200):
        a, b = rng.normal(size=2)
        misleads = place % 3 == 0
        right = int(rng.random() < 1 / (1 + np.exp(-(1.5 * a + (-3.0 if misleads else 1.5) * b))))
        checks = (Check("a", "pass", float(a)), Check("b", "pass", float(b)))
        rows.append(Labelled("read", checks, right, f"group {place}", place, part=f"set {place % 3}"))
    _, report = fit(rows, Belief({}), {}, certifying=0.0)
    assert report["families"]["read"].items() >= {"sets": 3, "single": "a", "best_single": "a"}.items()
    two = [replace(row, part=str(place % 2)) for place, row in enumerate(rows)]
    _, report = fit(two, Belief({}), {}, certifying=0.0)
    assert report["families"]["read"].items() >= {"sets": 2, "single": None}.items()
    assert "best_single" not in report["families"]["read"]


def test_a_family_with_too_few_answers_keeps_what_it_had():
    before, _ = fit(_rows(200), Belief({}), {})
    few = [Labelled("extract", (), 1, str(place)) for place in range(20)]
    after, report = fit([*_rows(200), *few], before, {}, certifying=0.0)
    assert report["families"]["extract"] == {"rows": 20, "right": 20, "fitted": False}
    assert "extract" not in after.families


def test_nothing_to_fit():
    with pytest.raises(BadInput, match="at least 50"):
        fit(_rows(20), Belief({}), {})
