"""Votes and energy choose from the same replies; what a reply works out to is a choice of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from alen.benchmark.selection import by_energy, by_votes, choices
from alen.benchmark.verification import Prepared


def _line(question: str, gold: str, *replies: str) -> dict[str, Any]:
    told = [{"text": text, "logprobs": [-0.2, -0.1 * place]} for place, text in enumerate(replies)]
    return {"question": question, "golds": [gold], "greedy": told[0], "samples": told[1:]}


def test_the_most_votes_count_and_the_first_of_equals() -> None:
    assert by_votes(_line("How many?", "7", "6", "7", "7"))
    assert by_votes(_line("How many?", "7", "3 + 4 = 7", "6"))
    assert not by_votes(_line("How many?", "7", "6", "7"))
    assert not by_votes(_line("How many?", "7", "none", "of them"))


def test_a_plan_is_worked_out() -> None:
    found = choices(_line("Ann has 32 pears and picks 40. How many?", "72", "32 + 40 = 62", "62", "32 + 40 = 72"))
    assert found.numbers == (Fraction(62), Fraction(72))
    assert found.right == (False, True)
    values = {check.name: check.value for check in found.checks[1]}
    assert (values["votes"], values["votes_worked_out"]) == pytest.approx((1 / 3, 2 / 3), abs=1e-4)
    assert (values["said_first"], values["worked_out_first"], values["both"]) == (0.0, 1.0, 1.0)
    assert values["derived"] is None


def test_what_the_question_comes_to_is_a_choice() -> None:
    found = choices(_line("What is 32 + 40?", "72", "62"))
    assert found.numbers == (Fraction(62), Fraction(72))
    assert found.right == (False, True)


def test_energy_learns_whom_to_trust() -> None:
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(300):
        a, b = (int(number) for number in rng.integers(10, 60, 2))
        said = [a + b + int(rng.integers(0, 2)) * 10 for _ in range(4)]
        replies = [f"{a} + {b} = {total}" for total in said]
        lines.append(_line(f"{a} birds and {b} birds. How many?", f"{a + b}", *replies))
    part = np.array(["fit", "fit", "test"] * 100)
    one = Prepared("maths", lines, [[]] * 300, np.zeros(300), [str(n) for n in range(300)], part)
    chosen = by_energy(one, [choices(line) for line in lines])[one.of("test")]
    votes = np.array([by_votes(line) for line in lines])[one.of("test")]
    assert chosen.mean() == 1.0
    assert votes.mean() < 0.8
