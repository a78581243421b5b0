"""The last equation of a text with those that it rests on, put right: whoever wrote "32 + 40 = 62" knew what to compute
and miscomputed it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from alen.core.equations import MOST_CHARACTERS, Equation, equations


@dataclass(frozen=True, slots=True)
class Derivation:
    """``result`` is what the last equation comes to, as people write it, ``shown`` the equations that it rests on and
    itself, worked out; ``holds`` whether the text says the same; ``operands`` are the numbers in them that none of them
    came to."""

    result: str
    shown: str
    holds: bool
    operands: tuple[float, ...]


def worked_out(text: str) -> Derivation | None:
    """None without an equation, or when the last cannot be worked out. A number in one that is a wrong result of an
    equation before it counts as the right one; a result with decimals may be rounded."""
    last: Equation | None = None
    steps: list[Equation] = []
    right_of: dict[Fraction, Fraction] = {}
    for equation in equations(text[-MOST_CHARACTERS:]):
        last = equation and equation.righted(right_of)
        if last is not None:
            steps.append(last)
            right_of.pop(last.said, None)
            if not last.holds:
                right_of[last.said] = last.value
    if last is None:
        return None
    steps = _rested_on(steps)
    operands: list[float] = []
    known: set[float] = set()
    for step in steps:
        operands += [number for number in step.operands if number not in known]
        known |= _results(step)
    shown = ", ".join(f"{step.left} = {step.comes_to}" for step in steps)
    return Derivation(last.comes_to, shown, last.holds, tuple(operands))


def _rested_on(steps: list[Equation]) -> list[Equation]:
    """The last equation after those whose results it uses."""
    kept, used = [steps[-1]], set(steps[-1].operands)
    for step in reversed(steps[:-1]):
        if _results(step) & used:
            kept.append(step)
            used |= set(step.operands)
    return kept[::-1]


def _results(step: Equation) -> set[float]:
    """What stands for its result in later equations: the value, and the one that was rounded."""
    return {float(step.value), step.result} if step.holds else {float(step.value)}
