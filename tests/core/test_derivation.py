"""Equations in texts: values worked out by hand, what cannot be read, and texts that are out to harm."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alen.core.derivation import worked_out
from tests.pace import within


@pytest.mark.parametrize(
    ("reply", "value", "holds"),
    [
        ("32 + 40 = 62", "72", False),
        ("9 x 5 = 45", "45", True),
        ("So he has 3 × 4 = 12.", "12", True),
        ("96 ÷ 8 = 12.5 metres", "12", False),
        ("$1,200 × 3 = $3,600", "3600", True),
        ("15% of 1,200 = 180", "180", True),
        ("80 * 15% = 13", "12", False),
        ("20 / 80 = 25%", "25%", True),
        ("20 / 80 * 100 = 30%", "25%", False),
        ("9 days * 14 pages a day = 132 pages", "126", False),
        ("-3 + 4 = 1", "1", True),
        ("12 - 2 = -10", "10", False),
        ("6 - -2 = 8", "8", True),
        ("2 ** 10 = 1024", "1024", True),
        ("10 / 3 = 3.33", "3.33333333333", True),  # rounded
        ("10 / 3 = 3.34", "3.33333333333", False),
        ("7 / 2 = 4", "3.5", False),  # a whole number says that nothing was rounded
        ("1. 3 + 4 = 7", "7", True),
        ("2) 3 + 4 = 7", "7", True),
        ("- 3 + 4 = 7", "7", True),
        ("(which is 3 + 4 = 7)", "7", True),
        ("**32 + 40 = 72**", "72", True),
        ("\\(32 \\times 2 = 64\\)", "64", True),
        ("x = 3 + 4 = 7", "7", True),
        ("32 + 40\n= 72", "72", True),
        ("3 red goats * $500/goat = $1,500", "1500", True),
        ("2/3 of 9 = 5", "6", False),
        ("20 percent of 50 = 10", "10", True),
        ("3*4 = $<<3*5=15>>12", "15", True),
        ("2 / 3 = 0.66", "0.666666666667", True),  # cut
        ("100 - 50 = 40% are left", "50%", False),
        ("3 * 1/4 = 3/4 of it", "0.75", True),
        ("2 * (3 + 4) = 2 * 8", "14", False),
        ("2 * (3 + 4) = 2 * 7 and 5 + 6 = 11", "11", True),
    ],
)
def test_by_hand(reply: str, value: str, holds: bool) -> None:
    found = worked_out(reply)
    assert found is not None
    assert (found.result, found.holds) == (value, holds)


@pytest.mark.parametrize(
    ("reply", "value", "holds", "shown"),
    [
        ("first 3 * 4 = 12, then 12 - 2 = 10", "10", True, "3 * 4 = 12, 12 - 2 = 10"),
        ("3 * 4 = 11, 11 - 2 = 9", "10", False, "3 * 4 = 12, 12 - 2 = 10"),
        ("3 * 4 = 11, 11 - 2 = 10", "10", True, "3 * 4 = 12, 12 - 2 = 10"),
        ("40 + 60 = 90\n90 - 60 = 20\n20 is the answer", "40", False, "40 + 60 = 100, 100 - 60 = 40"),
        ("3 + 4 = 7 * 2 = 14", "14", True, "3 + 4 = 7, 7 * 2 = 14"),
        ("3 + 4 = 8 * 2 = 16", "14", False, "3 + 4 = 7, 7 * 2 = 14"),
        ("2 * (3 + 4) = 2 * 7 = 14", "14", True, "2 * (3 + 4) = 14"),
        ("2 * (3 + 4) = 2 * 8 = 16", "14", False, "2 * (3 + 4) = 14"),
        # A third is not lost when it is written in twelve digits.
        ("1 / 3 = 0.5, 0.5 * 3 = 1.5", "1", False, "1 / 3 = 0.333333333333, 0.333333333333 * 3 = 1"),
        # What the last one does not use is not shown, and a result that was right after all is left alone.
        ("5 + 5 = 10. 3 * 4 = 12. 12 - 2 = 10", "10", True, "3 * 4 = 12, 12 - 2 = 10"),
        ("5 + 6 = 12, 3 * 4 = 12, 12 - 2 = 10", "10", True, "3 * 4 = 12, 12 - 2 = 10"),
    ],
)
def test_chains(reply: str, value: str, holds: bool, shown: str) -> None:
    found = worked_out(reply)
    assert found is not None
    assert (found.result, found.holds) == (value, holds)
    assert found.shown == shown


@pytest.mark.parametrize(
    "reply",
    [
        "28",
        "",
        "the answer is 72",
        "4 / 0 = 1",
        "3 + 4 = 7, then 4 / 0 = 1",  # the last one counts
        "32 + 40 =",
        "32 + 40 = seventy",
        "total = 72",
        "2x + 3 = 7",
        "1,5 + 2 = 3,5",  # a decimal comma
        "50 + 20% = 60",  # 20% of what?
        "9 ^ 9 ^ 9 ^ 9 = 1",
        "half of what he had - 3 + 4 = 6",
        "3x-5 = 16",
        "3 + 4 = 7,5",
    ],
)
def test_no_equation(reply: str) -> None:
    assert worked_out(reply) is None


def test_operands_are_what_was_not_come_to() -> None:
    found = worked_out("3 * 4 = 11, 11 - 2 = 9")
    assert found is not None
    assert found.operands == (3, 4, 2)


_NUMBERS = st.integers(0, 5000)


@settings(deadline=None)
@given(_NUMBERS, st.sampled_from("+-*/"), st.integers(1, 99), st.integers(-9, 9), _NUMBERS)
def test_a_slip_in_the_first_result_never_matters(a: int, sign: str, b: int, slip: int, c: int) -> None:
    first = {"+": a + b, "-": a - b, "*": a * b, "/": Fraction(a, b)}[sign]
    said = int(first) + slip
    if said < 0 or said == c:
        return
    found = worked_out(f"{a} {sign} {b} = {said} apples. {said} + {c} = {said + c}")
    assert found is not None
    assert float(Fraction(found.result)) == pytest.approx(float(first + c), rel=1e-9)
    assert found.holds == (first == said)


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("0123456789+-*/^()%=., \nx×÷$a²٣≈√"), max_size=60))
def test_no_text_is_an_error(text: str) -> None:
    worked_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "1" * 100_000 + " + 1 = 2",
        "1 + 1 = " + "8" * 100_000,
        "(" * 100_000 + "1 + 1 = 2",
        "(" * 140 + "1 + 1" + ")" * 140 + " = 2",
        "1 " + "- " * 140 + "1 = 2",
        "1" + " " * 100_000 + "+ 1 = 2",
        "1 + 1" + " \n" * 50_000 + "= 2",
        "=" * 100_000,
        "1+1=" * 25_000 + "2",
        "9^9^9^9=1 " * 10_000,
        "10^350 = 5, 5 + 1 = 2",
        "1 x " * 25_000 + "1 = 2",
        "1 aa aa aa " * 9000 + "= 1",
        "1 " + "a" * 100_000,
        "1% of " * 16_000 + "= 3",
        "." * 100_000,
        "*" * 100_000,
        "1,111" * 20_000 + " = 1",
        "2*2=9, " + "9*9*9*9*9=9, " * 8000,
        "".join(f"{9**k} / 7 * 9 = {k}, {k} / 3 + " for k in range(2, 300)),
        "".join(random.Random(1).choices("0123456789+-*/^()%=., \nx$", k=100_000)),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_end_soon(text: str) -> None:
    with within(1):
        worked_out(text)
