"""Arithmetic: exact values, refusals, and an independent second route."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alen.core.arithmetic import NotArithmetic, evaluate, expression_of, recomputed, written
from tests.pace import within


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What is 17 + 25?", "42"),
        ("what's 17 plus 25", "42"),
        ("How much is 12% of 80?", "9.6"),
        ("Calculate (3 + 4) * 5", "35"),
        ("What is 2 to the power of 10?", "1024"),
        ("What is the square root of 144?", "12"),
        ("What is the sum of 3 and 4?", "7"),
        ("What is 1,240 divided by 4?", "310"),
        ("What is 10 / 4?", "2.5"),
        ("What is 1 / 3?", "0.333333333333"),
        ("What is -3 - -4?", "1"),
        ("What is 2 ^ 3 ^ 2?", "512"),
        ("What is -2 ^ 2?", "-4"),
        ("What is 0.1 + 0.2?", "0.3"),
        ("What does 6 × 7 equal?", "42"),
    ],
)
def test_value(question, value):
    assert written(evaluate(expression_of(question))) == value


@pytest.mark.parametrize(
    "question",
    [
        "What is the Merrow?",
        "What is 25 Harbour Street?",
        "What is 42?",
        "When was the 1911 kiln built?",
        "What is __import__('os').system('ls')?",
        "What is 1 / 0?",
        "What is 9 ^ 9 ^ 9 ^ 9?",
        "What is (1 + 2?",
        "What is 1 + ?",
        "What is the square root of -4?",
        "What is " + "(" * 1900 + "1 + 1" + ")" * 1900 + "?",
        "What is 1" + " - -" * 900 + "1" + "-" * 2000 + "1?",
        "",
    ],
)
def test_not_arithmetic(question):
    with within(0.5), pytest.raises(NotArithmetic):
        evaluate(expression_of(question))


_EXPRESSIONS = st.recursive(
    st.integers(0, 999).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=8,
)


@settings(deadline=None)
@given(_EXPRESSIONS)
def test_agrees_with_pythons_own_grammar(expression):
    value = evaluate(expression)
    assert value.denominator == 1
    assert recomputed(expression) == pytest.approx(float(value), rel=1e-9)


def test_recomputed_shares_precedence():
    assert recomputed("2 + 3 * 4 ^ 2 - sqrt 16") == pytest.approx(float(evaluate("2 + 3 * 4 ^ 2 - sqrt 16")))


def test_written_keeps_terminating_decimals_exact():
    assert written(Fraction(1, 8)) == "0.125"
    assert written(Fraction(-5, 4)) == "-1.25"
    assert written(Fraction(10**30)) == "1" + "0" * 30


def test_long_and_large_sums_do_not_break() -> None:
    """Each of these ended in a RecursionError or an OverflowError."""
    many = "+".join(["1"] * 1500)
    assert evaluate(many) == 1500
    assert recomputed(many) is None  # nested too deeply for the second route
    large = "10^150 * 10^170"
    assert written(evaluate(large)) == "1" + "0" * 320
    assert recomputed(large) is None  # out of the range of floats
    assert written(Fraction(10**320, 3)) == "3.33333333333e+319"
