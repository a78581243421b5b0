"""Dates in the forms that people write them, compared by what both say and by what only one of them says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alen.core.equivalence import numerals

Agreement = Literal["same", "partial", "different"]

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BESIDE = frozenset(
    "in on at during around about circa ca c from of the year a d day days "
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun utc gmt".split()
)
_BEFORE = frozenset({"bc", "bce"})
_AFTER = frozenset({"ad", "ce"})
_PART = frozenset("early mid late middle first second half beginning end spring summer autumn fall winter".split())
_DECADE = re.compile(r"(\d{3,4})s")
_YEAR = re.compile(r"\d{1,4}")
SIGNS = frozenset(_MONTHS) | _BEFORE | _AFTER | {"century", "centuries"}


@dataclass(frozen=True, slots=True)
class Date:
    """Years from ``low`` to ``high`` (10 BC is -10), ``month`` and ``day`` when said.
    ``part`` says a part of it ("early", "summer"). No year said: ``low`` is None."""

    low: int | None
    high: int | None
    month: int | None = None
    day: int | None = None
    part: str = ""

    def agreement(self, other: Date) -> Agreement:
        """ "same", "different" when both cannot be true, "partial" when one says less and the rest agrees."""
        pairs = ((self.month, other.month), (self.day, other.day))
        if any(one is not None and two is not None and one != two for one, two in pairs):
            return "different"
        years = _years(self, other)
        if years == "different" or (years == "same" and self == other):
            return years
        return "partial"

    def fits(self, other: Date, question: str) -> bool:
        """Whether two dates that agree partly say the same of what the question asks: the year, decade or century."""
        asked = _ASKED.search(question)
        if asked is None or self.low is None or other.low is None or self.high is None or other.high is None:
            return False
        if asked.group(1).lower() == "year":
            return self.low == self.high == other.low == other.high
        return _years(self, other) != "different"


_ASKED = re.compile(r"\b(?:what|which)\s+(?:calendar\s+)?(year|decade|century)\b", re.I)


def _years(one: Date, two: Date) -> Agreement:
    if one.low is None or two.low is None or one.high is None or two.high is None:
        return "same" if one.low == two.low else "partial"
    if one.high < two.low or two.high < one.low:
        return "different"
    return "same" if (one.low, one.high) == (two.low, two.high) else "partial"


def read(words: Sequence[str]) -> tuple[Date, ...]:
    """Every reading of a text that is a date and nothing else ("3/4/2005" has two), none when it is not one.

    A number alone is a year when it has four digits ("1066"), or an era ("10 BC")."""
    if len(words) > 14:
        return ()
    rest = [word for word in words if word not in _BESIDE]
    part = " ".join(sorted(word for word in rest if word in _PART and word != "second"))
    rest = [word for word in rest if word not in _PART or word == "second"]
    if not rest:
        return ()
    found = _numeric(rest) or _century(rest) or _years_said(rest) or _written(rest)
    return tuple(Date(date.low, date.high, date.month, date.day, part) for date in found)


def _numeric(words: Sequence[str]) -> list[Date]:
    """1066-10-14, 14/10/1066, 10/14/1066, 14.10.1066."""
    if len(words) == 1 and words[0].count(".") == 2:
        parts = words[0].split(".")
    elif len(words) == 5 and words[1] == words[3] and words[1] in "-/":
        parts = [words[0], words[2], words[4]]
    else:
        return []
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        return []
    a, b, c = (int(part) for part in parts)
    orders = [(a, b, c)] if len(parts[0]) == 4 else [(c, b, a), (c, a, b)] if len(parts[2]) == 4 else []
    dates = [Date(y, y, m, d) for y, m, d in orders if 1 <= m <= 12 and 1 <= d <= _LENGTHS[m - 1]]
    return list(dict.fromkeys(dates))


def _century(words: Sequence[str]) -> list[Date]:
    """20th century, the fifth century BC, 1960s, 1914-1918, 10th and 11th centuries."""
    sign = -1 if words[-1] in _BEFORE else 1
    words = words[:-1] if words[-1] in _BEFORE | _AFTER else words
    if len(words) == 1 and (match := _DECADE.fullmatch(words[0])):
        start = int(match.group(1))
        return [Date(start, start + (99 if start % 100 == 0 else 9))] if start % 10 == 0 else []
    if not words or words[-1] not in {"century", "centuries"}:
        return []
    said, at = [], 0
    while at < len(words) - 1:
        number = numerals.read(words, at)
        if number is None or not number.ordinal or not 0 < number.value < 100:
            return []
        said.append(int(number.value))
        at = number.end + (words[number.end] in {"and", "to", "-"})
    if not said:
        return []
    bounds = [value for count in said for value in (sign * (100 * count - 99), sign * 100 * count)]
    return [Date(min(bounds), max(bounds))]


def _years_said(words: Sequence[str]) -> list[Date]:
    """1066, 1066 AD, AD 1066, 10 BC, 1914-1918, 2014-15, 1914 to 1918."""
    era = [word for word in words if word in _BEFORE | _AFTER]
    words = [word for word in words if word not in _BEFORE | _AFTER and word != "between"]
    if len(era) > 1 or len(words) not in {1, 3} or not _YEAR.fullmatch(words[0]) or not words[0].isascii():
        return []
    sign = -1 if era and era[0] in _BEFORE else 1
    first = int(words[0])
    if len(words) == 1:
        return [Date(sign * first, sign * first)] if (era or len(words[0]) == 4) and first else []
    if words[1] not in {"-", "to", "and", "until", "/"} or not _YEAR.fullmatch(words[2]) or not words[2].isascii():
        return []
    second = int(words[2])
    if len(words[2]) == 2 and len(words[0]) == 4:
        second += first - first % 100
    if not era and (len(words[0]) != 4 or second < first):
        return []
    return [Date(min(sign * first, sign * second), max(sign * first, sign * second))]


def _written(words: Sequence[str]) -> list[Date]:
    """14 October 1066, October 14th, 1066, Oct 1066, 5 May, May."""
    sign = -1 if words[-1] in _BEFORE else 1
    words = [word for word in words if word not in _BEFORE | _AFTER]
    months = [at for at, word in enumerate(words) if word in _MONTHS]
    if len(months) != 1 or len(words) > 3:
        return []
    month = _MONTHS[words[months[0]]]
    day = year = None
    for at, word in enumerate(words):
        if at == months[0]:
            continue
        number = numerals.read([word], 0)
        if number is None or number.value.denominator != 1 or not 0 < number.value < 10_000:
            return []
        value = int(number.value)
        if day is None and value <= 31 and len(word) <= 4 and not (len(word) == 4 and word.isdecimal()):
            day = value
        elif year is None and not number.ordinal and value > 31:
            year = sign * value
        else:
            return []
    if day is not None and day > _LENGTHS[month - 1]:
        return []
    return [Date(year, year, month, day)]
