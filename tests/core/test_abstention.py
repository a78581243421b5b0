"""Decisions, their reasons, and certificates that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.abstention import _binomial_tail, certify, decide
from alen.types import Candidate, Check


def _candidate(confidence: float, **checks: float) -> Candidate:
    made = tuple(Check(name, "pass" if value >= 0 else "fail", value) for name, value in checks.items())
    return Candidate("x", ("read",), made, 0.0, confidence)


def test_answers_from_the_threshold_upwards():
    assert decide([_candidate(0.5)], 0.5, remembered=True)[0] == "answer"
    assert decide([_candidate(0.49)], 0.5, remembered=True)[0] == "abstain"


@pytest.mark.parametrize(
    ("candidates", "remembered", "reason"),
    [
        ([], False, "nothing stored"),
        ([], True, "no candidate"),
        ([_candidate(0.1, answerable=-1.0)], True, "not stated"),
        ([_candidate(0.1, answerable=1.0, names_in_passage=-1.0)], True, "lacks a name"),
        ([_candidate(0.1, answerable=1.0)], True, "too unsure"),
    ],
)
def test_reason(candidates, remembered, reason):
    decision, why = decide(candidates, 0.5, remembered=remembered)
    assert decision == "abstain"
    assert reason in why


def test_binomial_tail_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    for k, n, p in ((0, 29, 0.1), (3, 76, 0.1), (40, 333, 0.05)):
        assert _binomial_tail(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-9)


def test_twenty_nine_clean_answers_certify_ten_percent():
    assert certify(np.full(29, 0.97), np.ones(29), 0.1).threshold is not None
    assert certify(np.full(28, 0.97), np.ones(28), 0.1).threshold is None


def test_certified_risk_is_rarely_exceeded():
    rng = np.random.default_rng(0)
    exceeded = 0
    for _ in range(200):
        p = rng.random(400)
        labels = (rng.random(400) < p).astype(int)
        certificate = certify(p, labels, 0.2, delta=0.05)
        if certificate.threshold is not None:
            # Uniform p, calibrated: the true error of answers at or above t is (1 - t) / 2.
            exceeded += (1 - certificate.threshold) / 2 > 0.2 + 1e-9
    assert exceeded <= 0.05 * 200 + 3 * np.sqrt(200 * 0.05 * 0.95)
