"""The numbers that a word problem tells, in digits or in words, and where they stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from alen.core.equations import MOST_CHARACTERS, among
from alen.core.equivalence import numerals
from alen.core.notation import SENTENCE_END

MOST_MENTIONS = 40
_MOST = 10**15
_WORD = re.compile(r"\d[\d,.]{0,30}\d|\.\d{1,17}|\d|[a-z]+|[-/%$]", re.A)
TIMES = {
    **dict.fromkeys(("twice", "double", "doubled", "doubles", "pair", "pairs"), Fraction(2)),
    **dict.fromkeys(("thrice", "triple", "tripled", "triples"), Fraction(3)),
    "dozen": Fraction(12),
    "half": Fraction(1, 2),
}
IMPLIED = {
    "week": (7, 52, 4),
    "day": (7, 24, 30, 365),
    "hour": (24, 60),
    "minute": (60,),
    "second": (60,),
    "month": (4, 12, 30),
    "year": (12, 52, 365),
    "annual": (12, 52),
    "decade": (10,),
    "century": (100,),
    "quarter": (4, 25, 0.25),
    "weekend": (2,),
    "weekday": (5,),
    "foot": (3, 12),
    "feet": (3, 12),
    "yard": (3,),
    "cent": (100,),
    "dollar": (100,),
    "dime": (10, 0.1),
    "nickel": (5, 0.05),
    "pound": (16,),
    "kilogram": (1000,),
    "kilometer": (1000,),
    "meter": (100,),
    "both": (2,),
    "average": (2, 3),
    "third": (3,),
    "fourth": (4,),
    "fifth": (5,),
}
"""What a word lets one reckon with though no number stands there."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A number told, between two places among the words. ``kind`` is "num", "money", "pct", "frac" or the word itself
    ("twice"); a percentage is a share of one. ``forms`` are the values under which it may stand in an equation."""

    value: float
    start: int
    end: int
    kind: str
    forms: tuple[float, ...]

    def is_in(self, operand: float) -> bool:
        return among(operand, self.forms)


def _forms(value: Fraction) -> tuple[float, ...]:
    """A half may be divided by two, and 20 % off is times 0.8."""
    forms = [value, 1 / value] if value else [value]
    if value.denominator != 1:
        percent = 100 * value
        forms += [1 - value, 1 + value, percent, 100 - percent, 100 + percent]
        forms += map(Fraction, value.as_integer_ratio())
    return tuple(map(float, forms))


def words_of(text: str) -> list[str]:
    """Lower-case words, numbers and the signs that tell what a number is."""
    found = _WORD.findall(text[:MOST_CHARACTERS].lower())
    return [f"0{word}" if word[0] == "." else word for word in found]


def mentions(words: list[str]) -> list[Mention]:
    """The numbers among words as ``words_of`` gives them, the first ``MOST_MENTIONS``."""
    found: list[Mention] = []
    at = 0
    while at < len(words) and len(found) < MOST_MENTIONS:
        numeral = numerals.read(words, at)
        if numeral is None:
            if words[at] in TIMES:
                value = TIMES[words[at]]
                found.append(Mention(float(value), at, at + 1, words[at], _forms(value)))
            at += 1
            continue
        if not numeral.ordinal and abs(numeral.value) < _MOST:
            value = numeral.value
            kind = "money" if at and words[at - 1] == "$" else "num" if value.denominator == 1 else "frac"
            if words[numeral.end : numeral.end + 1] in (["%"], ["percent"]):
                value, kind = value / 100, "pct"
            found.append(Mention(float(value), at, numeral.end, kind, _forms(value)))
        at = max(numeral.end, at + 1)
    return found


def asked(question: str) -> str:
    """The last sentence that asks something."""
    sentences = [text for text in SENTENCE_END.split(question[:MOST_CHARACTERS].strip()) if text]
    return next((text for text in reversed(sentences) if "?" in text), sentences[-1] if sentences else "")


def implied(words: list[str]) -> set[float]:
    """The numbers that words let one reckon with: 7 where there are weeks, and always 1 and 100."""
    values = {1.0, 100.0}
    for word in words:
        stem = next((form for form in (word, word.removesuffix("s"), word.removesuffix("ly")) if form in IMPLIED), "")
        values.update(map(float, IMPLIED.get(stem, ())))
    return values
