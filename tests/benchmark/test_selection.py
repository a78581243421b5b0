"""Votes and energy choose from the same replies; what a reply works out to is a choice of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alen.benchmark.selection import Choices, by_energy, by_votes, choices
from alen.benchmark.verification import Prepared


def _line(question: str, gold: str, *replies: str) -> dict[str, Any]:
    told = [
        {"text": text, "tokens": [1, 2], "logprobs": [-0.2, -0.1 * place], "finish": "stop"}
        for place, text in enumerate(replies)
    ]
    return {"question": question, "golds": [gold], "greedy": told[0], "samples": told[1:]}


def test_the_most_votes_count_and_the_first_of_equals() -> None:
    assert by_votes(_line("How many?", "7", "6", "7", "7"))
    assert by_votes(_line("How many?", "7", "3 + 4 = 7", "6"))
    assert not by_votes(_line("How many?", "7", "6", "7"))
    assert not by_votes(_line("How many?", "7", "none", "of them"))


def _proposed(found: Choices) -> list[tuple[str, str, bool]]:
    return [
        (proposal.operator, proposal.text, right) for proposal, right in zip(found.proposals, found.right, strict=True)
    ]


def test_what_an_equation_comes_to_is_a_choice_beside_what_was_said() -> None:
    found = choices(_line("Ann has 32 pears and picks 40. How many?", "72", "32 + 40 = 62", "62", "32 + 40 = 72"))
    assert _proposed(found) == [
        ("intuitive", "32 + 40 = 62", False),
        ("probabilistic", "62", False),
        ("probabilistic", "32 + 40 = 72", True),
        ("logical", "72", True),
        ("logical", "72", True),
    ]
    values = [{check.name: check.value for check in checks} for checks in found.checks]
    assert (values[0]["equations_hold"], values[2]["equations_hold"]) == (0.0, 1.0)
    assert (values[3]["equation_holds"], values[4]["equation_holds"]) == (0.0, 1.0)
    assert values[3]["votes"] == 1.0
    assert values[3]["likelihood"] == pytest.approx(-0.1)
    assert values[3]["derived"] is None


def test_what_the_question_comes_to_is_a_choice_where_that_is_wanted() -> None:
    line = _line("What is 32 + 40?", "72", "62")
    found = choices(line)
    assert _proposed(found) == [("logical", "72", True), ("intuitive", "62", False)]
    assert next(check.value for check in found.checks[1] if check.name == "derived") == 0.0
    alone = choices(line, computing=False)
    assert _proposed(alone) == [("intuitive", "62", False)]
    assert "derived" not in {check.name for check in alone.checks[0]}


def test_energy_learns_whom_to_trust() -> None:
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(300):
        a, b = (int(number) for number in rng.integers(10, 60, 2))
        said = [a + b + int(rng.integers(0, 2)) * 10 for _ in range(4)]
        replies = [f"{a} + {b} = {total}" for total in said]
        replies.append(f"{a} * 2 = {a * 2}")
        lines.append(_line(f"{a} birds and {b} birds. How many?", f"{a + b}", *replies))
    part = np.array(["fit", "fit", "test"] * 100)
    one = Prepared("maths", lines, [[]] * 300, np.zeros(300), [str(n) for n in range(300)], part)
    chosen = by_energy(one, [choices(line) for line in lines])[one.of("test")]
    votes = np.array([by_votes(line) for line in lines])[one.of("test")]
    assert chosen.mean() == 1.0
    assert votes.mean() < 0.8
