"""The equations in a text, however they are put, each worked out exactly."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from alen.core.arithmetic import NotArithmetic, evaluate, written
from alen.core.notation import plain

MOST_CHARACTERS = 8000
"""Of a text that are read: nobody's working is longer."""
_LONGEST = 300
"""Characters of a side of an equation; a longer one is not read."""
_LARGEST = 10**300
"""Of a value: a larger one is no float."""

_SIGNS = "0123456789.+-*/^()% "
_OPERATION = re.compile(r"[*/^+]|[\d)%] ?-")
_BINARY = re.compile(r"(?<=[\d)%]) ?([-+*/^])")
_BEGINS_EARLIER = re.compile(r"[\w,](?:[^ ]| - )")
_LIST_SIGN = re.compile(r" ?[-*+] ")
_RESULT = re.compile(r"(-? ?(?:\d+(?:\.(\d+))?|\.(\d+)))(?!,?\d)( ?%)?", re.A)
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)( ?%)?")
_PLUS_PERCENT = re.compile(r"[\d)] ?[+-] ?[\d.]+ ?%(?! ?[*/])")
_MOST_PLACES = 9
"""Decimals that count: the last ones of a computer's long row may be off."""


@dataclass(frozen=True, slots=True)
class Equation:
    """``left`` comes to ``value``; the text says ``said``, with so many decimal ``places``. ``operands`` are the
    numbers on the left without their signs, ``line`` is where "=" stands. A percentage is a share of one."""

    left: str
    operands: tuple[float, ...]
    value: Fraction
    said: Fraction
    places: int
    percent: bool
    line: int

    @property
    def holds(self) -> bool:
        """Exactly, or rounded or cut to the decimals that are written."""
        shown, exact = self.said * 10**self.places, self.value * 10**self.places
        return shown == exact or (self.places > 0 and (abs(shown - exact) * 2 <= 1 or shown == math.trunc(exact)))

    @property
    def result(self) -> float:
        return float(self.said)

    @property
    def comes_to(self) -> str:
        """The value as people write it."""
        return written(self.value * 100) + "%" if self.percent else written(self.value)

    @property
    def signs(self) -> str:
        """The operations in their order; a power is a product."""
        return "".join(_BINARY.findall(self.left)).replace("^", "*")

    def righted(self, right_of: Mapping[Fraction, Fraction]) -> Equation | None:
        """With the right numbers in place of wrong ones; None when that cannot be worked out."""
        try:
            value = _value(self.left, right_of)
        except NotArithmetic:
            return None
        if max(abs(value), abs(self.said)) > _LARGEST:
            return None
        # "20 / 80 = 25%", but also "100 - 75 = 25%": what is nearer is meant.
        if self.percent and abs(value / 100 - self.said) < abs(value - self.said):
            value /= 100

        def shown(match: re.Match[str]) -> str:
            return written(right_of[number]) if (number := _read(match)) in right_of else match[0]

        operands = tuple(float(right_of.get(number, number)) for number in _numbers(self.left))
        return replace(self, left=_NUMBER.sub(shown, self.left), operands=operands, value=value)


def equations(text: str) -> list[Equation | None]:
    """In the order in which they stand, None for one that cannot be read. Takes time as the text is long: who reads
    what others wrote gives no more than ``MOST_CHARACTERS``. Never raises."""
    found: list[Equation | None] = []
    line, left = 0, ""
    parts = plain(text).split("=")
    for place, (part, after) in enumerate(itertools.pairwise(parts), 2):
        line += part.count("\n")
        left = left or _calculation(part.rstrip())
        if not left:
            continue
        after = after.strip()
        run = after[: len(after) - len(after.lstrip(_SIGNS))].rstrip()
        again = _again(left, run)
        if again is None or run != after or place == len(parts):
            told = _told(after) if again is None else (again, 0, False)
            found.append(Equation(left, (), Fraction(0), *told, line).righted({}) if told else None)
            left = ""
    return found


def same(one: float, two: float) -> bool:
    """Equal, but for a rounding to three digits or so."""
    return abs(one - two) <= 1e-3 * abs(two)


def among(one: float, others: Iterable[float]) -> bool:
    return any(same(one, other) for other in others)


def _calculation(part: str) -> str:
    """What a part ends with: "" when that is no calculation, "?" when its beginning cannot be read."""
    part = part[-_LONGEST - 1 :]
    words = part.rstrip(_SIGNS)
    run = part[len(words) :]
    if not _OPERATION.search(run):
        return ""
    if len(run) > _LONGEST or (words and _BEGINS_EARLIER.match(words[-1] + run)):
        return "?"
    if words[-1:] in {"", "\n"} and (listed := _LIST_SIGN.match(run)):
        run = run[listed.end() :]
    while run.count("(") != run.count(")"):  # "1) 3 + 4", "(3 + 4"
        run = re.split(r"[()]", run, maxsplit=1)[1]
    return " ".join(run.split()) if _OPERATION.search(run) else ""


def _again(left: str, run: str) -> Fraction | None:
    """What a run comes to that is the same calculation put otherwise ("2 * (3 + 4) = 2 * 7 = 14", also with a slip),
    and not its result, with which a new one begins ("3 + 4 = 7 * 2 = 14")."""
    if len(run) > _LONGEST or not _OPERATION.search(run):
        return None
    try:
        value, again = _value(left, {}), _value(run, {})
    except NotArithmetic:
        return None
    first = _numbers(run)[0]
    return again if again == value or (first != value and first in _numbers(left)) else None


def _told(after: str) -> tuple[Fraction, int, bool] | None:
    """The number right of "=", its decimal places, and whether it is a percentage."""
    told = _RESULT.match(after)
    if told is None or len(told[0]) > _LONGEST:
        return None
    said, places, percent = Fraction(told[1].replace(" ", "")), len(told[2] or told[3] or ""), bool(told[4])
    return said / (100 if percent else 1), min(places + 2 if percent and places else places, _MOST_PLACES), percent


def _value(left: str, right_of: Mapping[Fraction, Fraction]) -> Fraction:
    """Raises NotArithmetic."""
    if _PLUS_PERCENT.search(left):
        raise NotArithmetic("of what the percentage is taken is not said")
    return evaluate(_NUMBER.sub(lambda match: f"({right_of.get(number := _read(match), number)})", left))


def _numbers(run: str) -> list[Fraction]:
    return [_read(match) for match in _NUMBER.finditer(run)]


def _read(number: re.Match[str]) -> Fraction:
    return Fraction(number[1]) / (100 if number[2] else 1)
