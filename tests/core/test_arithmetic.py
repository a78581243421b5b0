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
        ("What is twelve plus thirty-one?", "43"),
        ("seven hundred and five minus ninety", "615"),
        ("What is the sum of three and four?", "7"),
        ("Twenty Five times 2", "50"),
        ("How much is five percent of two thousand?", "100"),
        ("What is a hundred divided by eight?", "12.5"),
        ("What is two million three hundred thousand and one plus one?", "2300002"),
        ("What is the square root of one hundred and forty-four?", "12"),
        ("ten to the power of three", "1000"),
        ("five - two", "3"),
        ("What is minus two plus zero?", "-2"),
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
        "How many degrees is twelve hundred and forty?",
        "What is seven-eleven?",
        "What is one two plus three?",
        "What is twelve?",
        "What is twelve plus?",
        "What is plus minus times?",
        "What is three times a lady?",
        "What is one divided by zero?",
        "What is the sum of two hundred and five?",
        "What is the first plus the second?",
        "What is twenty-twelve plus one?",
        "What is hundred and and five plus one?",
        "What is eleventy plus one?",
        "What is two hundred thousand million plus one?",
        "What is zero hundred plus one?",
        "What is one thousand two thousand plus one?",
        "What is bone plus stone?",
        "What is one plus" + " one" * 900 + "?",
        "What is nine to the power of nine to the power of nine to the power of nine?",
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


_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


def _said(number: int) -> str:
    """As it is said in British English."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")
    size, name = next((s, n) for s, n in ((10**6, "million"), (1000, "thousand"), (100, "hundred")) if number >= s)
    rest = number % size
    return f"{_said(number // size)} {name}" + (f"{' and' if rest < 100 else ''} {_said(rest)}" if rest else "")


@settings(deadline=None)
@given(st.integers(0, 10**8), st.integers(0, 999))
def test_a_sum_in_words_is_that_in_digits(first, second):
    assert evaluate(expression_of(f"What is {_said(first)} plus {_said(second)}?")) == first + second


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
