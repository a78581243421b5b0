"""Decisions, their reasons, and certificates that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.abstention import Certificate, Policy, _binomial_tail, certify, cover, decide
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.fitting import Labelled, certified
from alen.errors import BadInput
from alen.types import Candidate, Check

NOTHING = Belief({})
"""Nothing was certified."""


def _candidate(confidence: float, **checks: float) -> Candidate:
    made = tuple(Check(name, "pass" if value >= 0 else "fail", value) for name, value in checks.items())
    return Candidate("x", ("read",), made, 0.0, confidence)


def test_answers_from_the_threshold_upwards():
    assert decide([_candidate(0.5)], Policy(), NOTHING, remembered=True)[0] == "answer"
    assert decide([_candidate(0.49)], Policy(), NOTHING, remembered=True)[0] == "abstain"


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
    decision, why = decide(candidates, Policy(), NOTHING, remembered=remembered)
    assert decision == "abstain"
    assert reason in why


def test_binomial_tail_against_scipy():
    stats = pytest.importorskip("scipy.stats", reason="needs scipy: pip install -e '.[dev]'")
    for k, n, p in ((0, 29, 0.1), (3, 76, 0.1), (40, 333, 0.05)):
        assert _binomial_tail(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-9)


def test_twenty_nine_clean_answers_certify_ten_percent():
    assert certify(np.full(29, 0.97), np.ones(29), 0.1).threshold is not None
    assert certify(np.full(28, 0.97), np.ones(28), 0.1).threshold is None


@pytest.mark.parametrize(("alpha", "steep"), [(0.1, 4.0), (0.2, 1.0)])
def test_certified_risk_is_rarely_exceeded(alpha: float, steep: float) -> None:
    """Ten thousand samples. Of answers at or above t, with p uniform and right with probability p ** (1 / steep), the
    share of wrong ones is known exactly; more than ``delta`` of the certificates may not lie."""
    rng = np.random.default_rng(0)
    power, times, delta = 1.0 / steep, 10_000, 0.05
    exceeded = held = 0
    for _ in range(times):
        p = rng.random(300)
        labels = (rng.random(300) < p**power).astype(int)
        threshold = certify(p, labels, alpha, delta=delta).threshold
        if threshold is not None:
            held += 1
            right = (1 - threshold ** (power + 1)) / ((power + 1) * (1 - threshold))
            exceeded += 1 - right > alpha + 1e-9
    assert exceeded <= delta * times + 3 * np.sqrt(times * delta * (1 - delta))
    assert held > times / 20


def test_replies_to_questions_about_one_passage_are_one_witness() -> None:
    """A thousand samples of thirty passages with six questions each, all right or all wrong together: 12 % of the
    passages are wrong, so that every certificate for 10 % lies. As 180 witnesses they gave one in 11.7 % of samples."""
    rng = np.random.default_rng(0)
    belief = Belief({"read": Family(Energy(3.5, ()))})
    rows = [[Labelled("read", (), right, f"passage {n // 6}", n) for right in (0, 1)] for n in range(180)]
    times, delta, lied, held = 1000, 0.05, 0, 0
    for _ in range(times):
        right = np.repeat(rng.random(30) >= 0.12, 6).astype(int)
        found = certified(belief, [row[label] for row, label in zip(rows, right, strict=True)])[0].certificates
        lied += any(each.alpha == 0.1 and each.threshold is not None for each in found)
        held += any(each.alpha == 0.3 and each.threshold is not None for each in found)
    assert lied <= delta * times + 3 * np.sqrt(times * delta * (1 - delta))
    assert held > times / 2


def test_without_a_certificate_nothing_is_answered_where_errors_are_to_be_bounded():
    decision, why = decide([_candidate(0.99)], Policy(risk=0.1), NOTHING, remembered=True)
    assert decision == "abstain"
    assert "not certified" in why


def test_the_certificate_sets_the_threshold():
    held = (Certificate(0.05, 0.05, 0.9, 80, 1), Certificate(0.1, 0.05, 0.7, 90, 3), Certificate(0.3, 0.05, 0.2, 99, 9))
    known = Belief({}, certificates=(*held, Certificate(0.01, 0.05, None, 0, 0)))
    assert decide([_candidate(0.71)], Policy(risk=0.1), known, remembered=True)[0] == "answer"
    assert decide([_candidate(0.69)], Policy(risk=0.1), known, remembered=True)[0] == "abstain"
    # A stricter one serves as well where none is as strict as asked.
    assert decide([_candidate(0.91)], Policy(risk=0.07), known, remembered=True)[0] == "answer"
    assert "not certified" in decide([_candidate(0.99)], Policy(risk=0.02), known, remembered=True)[1]


def test_the_certificate_that_was_asked_for_counts():
    """A stricter one with a lower threshold used to be taken, and its share of wrong answers told instead."""
    held = (Certificate(0.05, 0.05, 0.6, 80, 1), Certificate(0.1, 0.05, 0.8, 90, 3))
    known = Belief({}, certificates=held)
    assert decide([_candidate(0.7)], Policy(risk=0.1), known, remembered=True)[0] == "abstain"
    decision, why = decide([_candidate(0.8)], Policy(risk=0.1), known, remembered=True)
    assert decision == "answer"
    assert "at most 10 %" in why


def test_a_certificate_holds_for_the_effort_that_it_was_told_from():
    certificates, coverage = (Certificate(0.1, 0.05, 0.7, 90, 2),), {0.2: 0.3}
    known = Belief({}, {"effort": "balanced"}, certificates=certificates, coverage=coverage)
    assert known.at("balanced") is known
    assert (known.at("thorough").certificates, known.at("thorough").coverage) == ((), {})
    assert Belief({}, certificates=certificates).at("thorough").certificates == certificates


def test_costs_say_when_an_answer_pays():
    # Right gains 1, wrong costs 3, to abstain costs nothing: it pays from three quarters on.
    assert Policy.of_costs(1.0, 3.0, 0.0).threshold == pytest.approx(0.75)
    assert Policy.of_costs(1.0, 3.0, 1.0).threshold == pytest.approx(0.5)
    with pytest.raises(BadInput, match="abstain"):
        Policy.of_costs(1.0, 0.5, 0.5)


def test_a_set_of_candidates():
    known = Belief({}, coverage={0.2: 0.15})
    pair = [_candidate(0.4), _candidate(0.2), _candidate(0.1)]
    decision, why = decide(pair, Policy(), known, remembered=True)
    assert decision == "candidates"
    assert "these 2" in why
    assert "80 %" in why
    # Together less likely than what would be answered alone; alone; more than one would look at.
    assert decide([_candidate(0.3), _candidate(0.18)], Policy(), known, remembered=True)[0] == "abstain"
    assert decide([_candidate(0.45), _candidate(0.1)], Policy(), known, remembered=True)[0] == "abstain"
    assert decide([_candidate(0.2)] * 4, Policy(), known, remembered=True)[0] == "abstain"


def test_cover_by_hand():
    # Nine questions: the second smallest of ten places leaves at most a fifth behind.
    assert cover([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], 0.2) == 0.2
    assert cover([0.9, 0.8, 0.7], 0.2) == 0.0
    assert cover([0.0, 0.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], 0.2) == 0.0


def test_sets_hold_the_right_one_as_often_as_promised():
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(4000):
        p = rng.beta(2, 2, 100)
        missed += p[-1] < cover(p[:-1].tolist(), 0.2)
    # With 99 questions the chance is 19/99.. of a hundred: between the promise and a hundredth below.
    assert 0.17 < missed / 4000 <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / 4000)


def test_sets_hold_the_right_one_as_often_as_promised_where_questions_come_by_passage() -> None:
    """Six passages with ten questions each, all of them as sure as each other: as sixty witnesses they promised four in
    five where it was five in seven."""
    rng = np.random.default_rng(4)
    belief = Belief({"read": Family(Energy(0.0, (Term("votes", 0.0, 1.0, 1.0),)))})
    times, missed, promised = 1000, 0, 0
    for _ in range(times):
        *known, new = rng.normal(size=7)
        checks = [(Check("votes", "pass", float(value)),) for value in known]
        rows = [Labelled("read", checks[n // 10], 1, f"passage {n // 10}", n) for n in range(60)]
        least = certified(belief, rows)[0].coverage.get(0.2, 0.0)
        promised += least > 0
        missed += belief.probability("read", [Check("votes", "pass", float(new))]) < least
    assert promised == times
    assert 0.1 < missed / times <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / times)
