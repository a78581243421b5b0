"""The working in a reply, by hand; and its checks on right, wrong and hostile replies."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.core import habits
from alen.core.checks.of_working import NAMES, of_working
from alen.core.habits import BEGIN, Habit, Habits
from alen.core.mentions import asked, implied, mentions, words_of
from alen.core.working import MOST_CHARACTERS, Working
from tests.pace import within

QUESTION = "Ann buys 3 goats for $500 each and two cows for $1,500 each. How much money does she spend?"
RIGHT = "3 goats * $500/goat = $<<3*500=1500>>1500\n2 cows x $1500 = $<<2*1500=3000>>3000\n1500 + 3000 = 4500\nA: 4500"


def _values(question: str, reply: str) -> dict[str, float | None]:
    return {check.name: check.value for check in of_working(question, reply)}


def _rows(text: str) -> list[tuple[tuple[float, ...], str, Fraction, Fraction]]:
    return [(each.operands, each.signs, each.value, each.said) for each in Working.of(text).equations]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("3 + 4 = 7", ((3.0, 4.0), "+", Fraction(7), Fraction(7))),
        ("3 red goats * $500/goat = $1,500", ((3.0, 500.0), "*", Fraction(1500), Fraction(1500))),
        ("2/3 of 9 = 6", ((2.0, 3.0, 9.0), "/*", Fraction(6), Fraction(6))),
        ("He pays 20% of 50 = 11", ((0.2, 50.0), "*", Fraction(10), Fraction(11))),
        ("for a total of 3 × (2 + 1) = 9", ((3.0, 2.0, 1.0), "*+", Fraction(9), Fraction(9))),
        ("there are 7 days so 7 x 2 = 14 in all", ((7.0, 2.0), "*", Fraction(14), Fraction(14))),
        ("3*4 = $<<3*5=15>>12", ((3.0, 5.0), "*", Fraction(15), Fraction(15))),
        ("((((3+4=7", ((3.0, 4.0), "+", Fraction(7), Fraction(7))),
        ("It costs $2/square foot x 18 square feet = $36", ((2.0, 18.0), "*", Fraction(36), Fraction(36))),
        ("that is 100% - 60% = 40% of it", ((1.0, 0.6), "-", Fraction(2, 5), Fraction(2, 5))),
        ("100 - 50 = 50% are left", ((100.0, 50.0), "-", Fraction(1, 2), Fraction(1, 2))),
        ("-2 + 2 ^ 3 = 6", ((2.0, 2.0, 3.0), "+*", Fraction(6), Fraction(6))),
    ],
)
def test_equations_are_read(text: str, row: tuple[tuple[float, ...], str, Fraction, Fraction]) -> None:
    assert _rows(text) == [row]


@pytest.mark.parametrize(
    "text", ["x = 3", "3 = 3", "4 / 0 = 1", "a + b = c", "= 4", "3 + = 4", "7", "9 * 2 = 9^350", "10^350 = 5"]
)
def test_what_is_no_equation(text: str) -> None:
    assert _rows(text) == []


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("10 / 3 = 3.33", True),
        ("2 / 3 = 0.67", True),
        ("10 / 3 = 3.3", True),
        ("2 / 3 = 0.66", True),
        ("10 / 3 = 3.34", False),
        ("266 / 12 = 22.166666666666668", True),
        ("10 / 3 = 3", False),
        ("2*2=5.0", False),
    ],
)
def test_a_rounded_result_holds(text: str, holds: bool) -> None:
    [equation] = Working.of(text).equations
    assert equation.holds is holds


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2 + 2 = 4\nA: 4", 4),
        ("2 + 2 = 4\n#### 1,240", 1240),
        ("So 2 + 2 = 4. The answer is -$3.50.", Fraction("-3.5")),
        ("2 + 2 = 4\nThe answer is -$3.50.", Fraction("-3.5")),
        ("2 - 6 = -4", -4),
        ("2 + 2 = 4, of course", 4),
        ("none", None),
        ("", None),
    ],
)
def test_the_answer(text: str, answer: Fraction | int | None) -> None:
    assert Working.of(text).answer == answer


def test_numbers_told_in_digits_and_words() -> None:
    words = words_of("Twice a week 3 friends pay $1,500, half of it on the second day, less 20% and .75 or 2/3.")
    found = mentions(words)
    assert [(one.value, one.kind) for one in found] == [
        (2.0, "twice"),
        (3.0, "num"),
        (1500.0, "money"),
        (0.5, "frac"),
        (0.2, "pct"),
        (0.75, "frac"),
        (pytest.approx(2 / 3), "frac"),
    ]
    assert all(found[4].is_in(value) for value in (0.2, 5, 0.8, 1.2, 20, 80, 120))
    assert not found[1].is_in(6)
    assert implied(words) == {1.0, 100.0, 7.0, 52.0, 4.0, 24.0, 30.0, 365.0, 60.0}
    assert asked("There are 3. How many? Say it.") == "How many?"
    assert asked("") == ""


def test_by_hand() -> None:
    found = _values(QUESTION, RIGHT)
    assert found["equations_hold"] == 1.0
    assert found["operands_grounded"] == 0.0
    assert found["numbers_used"] == 0.0
    assert found["results_used"] == 0.0
    assert (found["answer_derived"], found["answer_whole"], found["answer_new"]) == (1.0, 1.0, 1.0)
    assert found["answer_size"] == pytest.approx(-math.log(3), abs=1e-4)  # 4500 is three times 1500
    assert found["divisions_even"] is None
    assert found["brief_working"] == pytest.approx(-math.log(1 + len(RIGHT)), abs=1e-4)
    wrong = _values(QUESTION, "3 * 7 = 20\n500 / 3 = 166.67\nA: 500.5")
    assert wrong["equations_hold"] == 0.5
    assert wrong["operands_grounded"] == -1.0  # 7 was never told
    assert wrong["numbers_used"] == -1.0  # 1500
    assert wrong["results_used"] == -1.0  # 20
    assert (wrong["answer_derived"], wrong["answer_whole"], wrong["divisions_even"]) == (0.0, 0.0, 0.0)
    assert _values(QUESTION, "3 * 500 = 1500")["answer_new"] == 0.0


def test_what_is_usual_prefers_the_usual() -> None:
    question = "A box holds 12 pencils. How many pencils do 5 boxes hold?"
    usual = _values(question, "5 boxes hold 12 * 5 = 60 pencils")
    odd = _values(question, "5 boxes hold 12 - 5 = 7 pencils")
    for name in ("usual_roles", "usual_signs"):
        more, less = usual[name], odd[name]
        assert more is not None
        assert less is not None
        assert more > less


def test_habits_are_distributions() -> None:
    habit = Habit(("+", "-"), (0.0, math.log(3)), {"left": (0.0, math.log(5))})
    assert habit.log_shares([])["-"] == pytest.approx(math.log(3 / 4))
    assert habit.log_shares(["left", "left", "unknown"])["-"] == pytest.approx(math.log(15 / 16))
    known = Habits(habit, habit, {BEGIN: {"a": 3, "b": 1}, "a": {"b": 4}})
    # a: (3 + 2 * 3.1 / 8) / (4 + 2)
    assert known.log_share_of_next(BEGIN, "a") == pytest.approx(math.log((3 + 2 * 3.1 / 8) / 6))
    shipped = habits.shipped()
    for each in (shipped.role, shipped.sign):
        assert sum(map(math.exp, each.log_shares(["left", "b1 the"]).values())) == pytest.approx(1.0)
        assert all(len(row) == len(each.kinds) for row in each.weights.values())


def test_roles_and_steps_by_hand() -> None:
    told = mentions(words_of(QUESTION))
    equations = Working.of("3*500=1500\n2*1500=3000\n3000-1500=1500\n9/3=3").equations
    assert habits.uses(told, equations) == [["*", "/r"], ["*"], ["*"], ["*", "-r"]]
    assert habits.steps(equations) == ["*:Q", "*:LQ", "-:LR", "/:Q"]


@pytest.mark.parametrize("reply", ["", "42", "I do not know.", "about 3 or 4", "4 / 0 = 1"])
def test_without_an_equation_nothing_applies(reply: str) -> None:
    assert _values(QUESTION, reply) == dict.fromkeys(NAMES)


@pytest.mark.parametrize(
    "part",
    ["1+", "1=", "1+1=2 ", "(", "1,111,", "<<1+1=2>>", "<<", "9", "1 a ", "\n", " ", "\n ", "-", "-1", "A:", "answer ",
     "the ", "half 20% twice 3/4 $5 ", "١+١=٢ ", "²+2=4 ", "million ", "1e9*", "9" * 15 + "*" + "9" * 15 + "=1\n", "."],
)  # fmt: skip
def test_hostile_texts_cost_little(part: str) -> None:
    habits.shipped()
    text = part * (100_000 // len(part))
    with within(4):  # four looks
        for question, reply in ((text, text), (QUESTION, text + "1+1=2"), (text, RIGHT), (text, "1+1=2\n" + text)):
            assert [check.name for check in of_working(question, reply)] == list(NAMES)


def test_an_equation_knows_its_step() -> None:
    working = Working.of("First.\n\n  3 * 4 = 12\n**\n$\n12 + 1 = 13\n20\n= 20\nA: 13")
    assert [(equation.line, working.steps[equation.line]) for equation in working.equations] == [
        (1, "3 * 4 = 12"),
        (4, "12 + 1 = 13"),
    ]


def test_what_is_behind_the_limit_is_not_read() -> None:
    assert Working.of(" " * MOST_CHARACTERS + "1 + 1 = 2").equations == ()


@given(
    st.text(alphabet="0123456789+-*/=().,%$<>x aof\n²١é", max_size=200),
    st.text(alphabet="0123456789.,%$/- ahlfdozentwice\n²١é", max_size=200),
)
def test_nothing_makes_it_fail(reply: str, question: str) -> None:
    for check in of_working(question, reply):
        assert check.value is None or math.isfinite(check.value)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from("+-*/"))
def test_an_equation_holds_when_it_is_true(one: int, two: int, sign: str) -> None:
    value = {"+": one + two, "-": one - two, "*": one * two, "/": one // two}[sign]
    left = one if sign != "/" else value * two
    [equation] = Working.of(f"So {left} {sign} {two} = {value}.").equations
    assert equation.holds
    [equation] = Working.of(f"So {left} {sign} {two} = {value + 1}.").equations
    assert not equation.holds
