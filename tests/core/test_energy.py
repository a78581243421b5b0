"""Energy: by hand, against scikit-learn, and with checks that do not apply."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.energy import Energy, Term
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
