"""Arithmetic made by rule: every answer is worked out again from the question's text, by other code."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from alen.benchmark.tasks import procedural
from alen.benchmark.tasks.graders import number_in
from alen.benchmark.tasks.item import Row

ROWS = procedural.rows()


def again(row: Row) -> int:
    """From the kind's name and the numbers as they stand in the text."""
    kind = row.id.rsplit("-", 2)[0]
    a, b, *more = (int(number) for number in re.findall(r"\d+", row.question))
    match kind:
        case "sum" | "three":
            return sum([a, b, *more])
        case "difference":
            return abs(a - b)
        case "product":
            return a * b
        case "quotient":
            return max(a, b) // min(a, b)
        case "gain and loss":
            return a + b - more[0]
        case "groups and more":
            # One wording names the price before the number of meals; the last number is always what is added.
            return a * b + more[0]
        case "compare":
            return sorted([a, b, *more])[-1]
        case "sequence":
            return more[-1] + (b - a)
        case "double":
            return a + a + b
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", [kind.name for kind in procedural.KINDS])
def test_answers_are_exact(kind: str) -> None:
    made = [row for row in ROWS if row.id.startswith(f"{kind}-")]
    assert made
    assert not [(row.question, row.golds) for row in made if row.golds != (str(again(row)),)]
    assert all(number_in(row.answer) == again(row) for row in made)


def test_the_way_that_is_shown_is_true() -> None:
    steps = [step for row in ROWS for step in row.answer.split(", ") if " = " in step]
    assert len(steps) > len(ROWS)
    for step in steps:
        shown, result = step.replace(" / ", " // ").split(" = ")
        assert re.fullmatch(r"\d+ (\+|-|\*|//) \d+", shown)
        assert eval(shown, {"__builtins__": {}}) == int(result)


def test_no_problem_is_there_twice_and_a_template_is_a_group() -> None:
    assert len({row.question for row in ROWS}) == len(ROWS)
    groups = Counter(row.group for row in ROWS)
    assert len(groups) == 60
    assert min(groups.values()) >= 30


def test_the_same_problems_at_every_call() -> None:
    assert procedural.rows() == ROWS
    other = {row.question for row in procedural.rows(seed=9)}
    assert len(other & {row.question for row in ROWS}) < len(ROWS) / 2
