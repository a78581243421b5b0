"""Checks of what an equation comes to that a language model set up."""

from __future__ import annotations

from fractions import Fraction

from alen.core.checks.looking import check
from alen.core.equations import Equation
from alen.core.equivalence import numerals, words
from alen.thought import ThoughtState
from alen.types import Check


def of_equation(thought: ThoughtState, equation: Equation) -> list[Check]:
    """Whether the model computed what it wrote as it is, and whether it reckons with what the question gives."""
    # "3/4" gives a fraction, and also a three and a four.
    given = {*numbers_given(thought.text), *(numerals.literal(number.lstrip("-")) for number in thought.numbers)}
    used = equation.operands
    return [
        check("equation_holds", float(equation.holds), 1.0),
        check("operands_given", sum(number in given for number in used) / len(used) if used else None, 1.0),
    ]


def numbers_given(text: str) -> list[Fraction]:
    """The numbers in a text, in digits or words, without their signs. "The second" counts nothing."""
    lowered = words.split(text.lower())
    found, at = [], 0
    while at < len(lowered):
        number = numerals.read(lowered, at)
        if number is not None and not number.ordinal:
            found.append(abs(number.value))
        at = at + 1 if number is None else number.end
    return found
