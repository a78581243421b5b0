"""Energy: by hand, against scikit-learn, and with checks that do not apply."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alen.core.energy import Energy, Term
from alen.core.weights import SHARED_RIDGE, usual_weights
from alen.types import Check


def _check(name: str, value: float | None) -> Check:
    return Check(name, "not_applicable" if value is None else "pass", value)


def test_energy_by_hand():
    energy = Energy(0.5, (Term("a", 1.0, 2.0, 3.0), Term("b", 0.0, 1.0, 1.0, missing=-0.25)))
    assert energy.of([_check("a", 2.0), _check("b", 4.0), _check("unknown", 9.0)]) == -(0.5 + 1.5 + 4.0)
    assert energy.of([_check("a", 2.0), _check("b", None)]) == -(0.5 + 1.5 - 0.25)
    assert energy.contributions([_check("a", 2.0)]) == {"a": 1.5, "b": -0.25}


def test_fit_equals_ridge_logistic_regression_when_all_weights_are_positive():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn: pip install -e '.[dev]'")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    y = (rng.random(400) < 1 / (1 + np.exp(-(x @ [1.0, 0.5])))).astype(int)
    rows = [[_check("a", a), _check("b", b)] for a, b in x]
    ours = {term.name: term for term in Energy.fit(rows, y, names=["a", "b"], ridge=2.0).terms}
    scaled = (x - x.mean(0)) / x.std(0)
    theirs = linear_model.LogisticRegression(C=0.5, tol=1e-10).fit(scaled, y)
    np.testing.assert_allclose([ours["a"].weight, ours["b"].weight], theirs.coef_[0], atol=1e-3)


def test_a_check_is_ignored_rather_than_turned_round():
    rng = np.random.default_rng(1)
    x = rng.normal(size=500)
    y = (rng.random(500) < 1 / (1 + np.exp(2 * x))).astype(int)
    assert Energy.fit([[_check("a", value)] for value in x], y, names=["a"]).terms == ()


def test_not_applicable_gets_its_own_weight():
    rng = np.random.default_rng(2)
    seen = rng.random(1000) < 0.5
    y = (rng.random(1000) < np.where(seen, 0.8, 0.2)).astype(int)
    rows = [[_check("a", float(rng.normal()) if here else None)] for here in seen]
    (term,) = Energy.fit(rows, y, names=["a"]).terms
    assert term.missing < -1.5


def test_round_trip():
    energy = Energy(0.5, (Term("a", 1.0, 2.0, 3.0, -1.0),))
    assert Energy.from_json(energy.to_json()) == energy


def _rows(count: int, seed: int, weights: tuple[float, float], base: float = 0.0, scale: float = 1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2))
    y = (rng.random(count) < 1 / (1 + np.exp(-(x @ weights + base)))).astype(int)
    return [[_check("a", a * scale), _check("b", b * scale)] for a, b in x], y


def test_without_rows_that_tell_anything_the_usual_weights_stay():
    rows = [[_check("a", float(place % 2)), _check("b", float(place % 3))] for place in range(60)]
    labels = np.array([place // 30 for place in range(60)])  # neither check tells it
    fitted = Energy.fit(rows, labels, names=["a", "b"], usual={"a": 1.5}, ridge=1e6)
    assert fitted.weights == pytest.approx({"a": 1.5}, abs=1e-3)
    assert Energy.fit(rows, labels, names=["a", "b"], ridge=1e6).weights == pytest.approx({}, abs=1e-3)


def test_the_more_rows_the_less_the_usual_weights_count():
    apart = []
    for count in (20, 200, 4000):
        rows, labels = _rows(count, 3, (2.0, 0.0))
        fitted = Energy.fit(rows, labels, names=["a", "b"], usual={"b": 2.0}).weights
        apart.append(fitted.get("b", 0.0) - fitted.get("a", 0.0))
    assert apart[0] > 1.0 > apart[1] > apart[2]
    assert apart[2] < -1.5


def test_what_sets_have_in_common_knows_neither_their_scales_nor_their_base_rates():
    """Three sets with the same weights in log-odds for each standard deviation, of other units and other shares of
    right answers; the weights of all rows thrown together would be drawn to nothing by the base rates."""
    sets = [
        _rows(3000, seed, (1.5, 0.5), base, scale) for seed, (base, scale) in enumerate([(-3, 1), (0, 100), (3, 0.01)])
    ]
    found = usual_weights(sets, ["a", "b", "never"])
    assert found["a"] == pytest.approx(1.5, abs=0.15)
    assert found["b"] == pytest.approx(0.5, abs=0.1)
    assert "never" not in found


def test_what_sets_have_in_common_is_that_of_logistic_regression_with_offsets():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn: pip install -e '.[dev]'")
    rows, labels = _rows(800, 5, (1.0, 0.4))
    x = np.array([[check.value for check in row] for row in rows])
    ours = usual_weights([(rows, labels)], ["a", "b"], ridge=2.0)
    fitted = linear_model.LogisticRegression(C=0.5, tol=1e-10).fit((x - x.mean(0)) / x.std(0), labels)
    np.testing.assert_allclose([ours["a"], ours["b"]], fitted.coef_[0], rtol=0.05)


def test_what_is_shared_does_not_tell_the_set():
    """A check applies in one of three sets alone, where nearly all answers are right: that it applies says nothing of a
    fourth, and neither does the base rate of the three."""
    sets = [_rows(600, seed, (1.5, 0.0), base) for seed, base in enumerate([3, -1, -1])]
    rows = [
        [*row, Check("own", *(("pass", 1.0 + place % 2) if not number else ("not_applicable", None)))]
        for number, (of_set, _) in enumerate(sets)
        for place, row in enumerate(of_set)
    ]
    labels, parts = (
        np.concatenate([right for _, right in sets]),
        [f"{number}" for number in range(3) for _ in range(600)],
    )
    shared = Energy.shared(rows, labels, parts, names=["a", "b", "own"])
    assert shared.bias == 0.0
    assert all(term.missing == 0.0 for term in shared.terms)
    assert shared.weights == usual_weights(
        [(rows[at : at + 600], labels[at : at + 600]) for at in (0, 600, 1200)], ["a", "b", "own"], SHARED_RIDGE
    )
    together = Energy.fit(rows, labels, names=["a", "b", "own"])
    assert abs(next(term.missing for term in together.terms if term.name == "own")) > 0.5


def test_a_tiny_scale_is_not_rounded_to_zero():
    rows, labels = _rows(200, 1, (1.5, 0.5), 0.0, 1e-7)
    for energy in (Energy.fit(rows, labels, names=["a"]), Energy.shared(rows, labels, ["x"] * 200, names=["a"])):
        assert math.isfinite(energy.of(rows[0]))
