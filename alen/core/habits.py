"""How word problems are usually worked out: what is done with a number that stands among these words, what a step that
is put in these words does, and which step follows which. Fitted on people's solutions; no model is asked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from alen.core.equations import Equation, among, same
from alen.core.mentions import Mention, asked, words_of

UNUSED = "0"
BEGIN, END = "^", "$"
_SMOOTHING = 2.0
_REACH = 8
"""Words on either side of a number that are looked at."""
_LETTERS = re.compile(r"[a-z]+", re.A)
_SIZES = (1, 2, 3, 6, 13, 41, 201)


@dataclass(frozen=True)
class Habit:
    """Multinomial logistic regression: ``weights`` of each feature, one for each of ``kinds``."""

    kinds: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, Sequence[float]]

    def log_shares(self, features: Iterable[str]) -> dict[str, float]:
        """The logarithm of each kind's probability. A feature counts once."""
        totals = list(self.bias)
        for feature in set(features):
            for place, weight in enumerate(self.weights.get(feature, ())):
                totals[place] += weight
        top = max(totals)
        norm = top + math.log(sum(math.exp(total - top) for total in totals))
        return {kind: total - norm for kind, total in zip(self.kinds, totals, strict=True)}


@dataclass(frozen=True)
class Habits:
    """``role`` by the features of a number, ``sign`` by those of a step's text, ``next`` counts of steps by the step
    before."""

    role: Habit
    sign: Habit
    next: Mapping[str, Mapping[str, int]]

    def log_share_of_next(self, before: str, step: str) -> float:
        """The logarithm of the share of ``step`` after ``before``, drawn to its share after any."""
        every = sum(sum(row.values()) for row in self.next.values())
        anywhere = (sum(row.get(step, 0) for row in self.next.values()) + 0.1) / every
        row = self.next.get(before, {})
        return math.log((row.get(step, 0) + _SMOOTHING * anywhere) / (sum(row.values()) + _SMOOTHING))


@cache
def shipped() -> Habits:
    """The habits that come with ALEN."""
    data: dict[str, Any] = json.loads(resources.files("alen.core").joinpath("habits.json").read_text("utf-8"))
    role, sign = (
        Habit(tuple(data[name]["kinds"]), tuple(data[name]["bias"]), data[name]["weights"]) for name in ("role", "sign")
    )
    return Habits(role, sign, data["next"])


def of_mention(words: Sequence[str], told: Sequence[Mention], place: int, question: str) -> list[str]:
    """The features of a number: the words around it, its size and kind, its neighbours, and what is asked."""
    one = told[place]
    before = [*reversed(words[max(0, one.start - _REACH) : one.start]), BEGIN, BEGIN]
    after = [*words[one.end : one.end + _REACH], END, END, END]
    size = sum(abs(one.value) >= edge for edge in _SIZES)
    where = 0 if place == 0 else 2 if place == len(told) - 1 else 1
    found = [f"kind {one.kind}", f"size {size}", f"where {where}", f"of {min(8, len(told))}"]
    found += [f"b1 {before[0]}", f"b2 {before[1]}", f"b12 {before[1]} {before[0]}", f"ab {before[0]} {after[0]}"]
    found += [f"a1 {after[0]}", f"a2 {after[1]}", f"a12 {after[0]} {after[1]}", f"a23 {after[1]} {after[2]}"]
    found += [f"a123 {after[0]} {after[1]} {after[2]}"]
    found += [f"b {word}" for word in before[2:]] + [f"a {word}" for word in after[2:]]
    if place:
        found.append(f"last {told[place - 1].kind} {min(12, (one.start - told[place - 1].end) // 2)}")
    if place + 1 < len(told):
        found.append(f"next {told[place + 1].kind} {min(12, (told[place + 1].start - one.end) // 2)}")
    return found + [f"q {text}" for text in _and_pairs(words_of(asked(question)))]


def of_step(text: str) -> list[str]:
    """The features of a step's text: its words and pairs of them."""
    return _and_pairs([word for word in _LETTERS.findall(text.lower()) if word != "x"])


def _and_pairs(words: Sequence[str]) -> list[str]:
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]


def uses(told: Sequence[Mention], equations: Sequence[Equation]) -> list[list[str]]:
    """The roles in which each number is used: the sign, and for "-" and "/" the side."""
    found: list[list[str]] = [[] for _ in told]
    for equation in equations:
        for operand, role in zip(equation.operands, _roles(equation), strict=False):
            for place, one in enumerate(told):
                if same(operand, one.value) or (one.kind in {"pct", "frac"} and one.is_in(operand)):
                    found[place].append(role)
    return found


def _roles(equation: Equation) -> list[str]:
    first, *rest = [equation.signs[:1], *equation.signs]
    left = first if first in "+*" else first + "l"
    return [left, *(sign if sign in "+*" else sign + "r" for sign in rest)]


def steps(equations: Sequence[Equation]) -> list[str]:
    """What each equation does, and whether with the last result (L), an earlier one (R) or with what was told (Q)."""
    found = []
    for place, equation in enumerate(equations):
        earlier = [each.result for each in equations[:place]]
        marks = {
            "L" if earlier and same(operand, earlier[-1]) else "R" if among(operand, earlier) else "Q"
            for operand in equation.operands
        }
        many = "m" if len(equation.operands) > 2 else ""
        found.append("".join(sorted(set(equation.signs))) + ":" + "".join(sorted(marks)) + many)
    return found
