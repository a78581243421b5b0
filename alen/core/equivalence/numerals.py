"""Numbers in a row of words, by exact value: digits with separators, number words, ordinals, fractions, powers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from alen.core.equivalence.text import MOST_DIGITS

_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}
_ORDINALS = {
    **{
        word: value
        for value, word in enumerate(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
            "fifteenth sixteenth seventeenth eighteenth nineteenth".split(),
            1,
        )
    },
    **{word[:-1] + "ieth": value for word, value in _TENS.items()},
    "hundredth": 100,
    "thousandth": 1000,
    "millionth": 10**6,
}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    word + ending: value for word, value in _ORDINALS.items() if value > 2 for ending in ("", "s")
}
_SCALE_LETTERS = {"k": 10**3, "mn": 10**6, "bn": 10**9}
CARDINALS = {**_UNITS, **_TENS, **SCALES}
NUMBER_WORDS = frozenset({*CARDINALS, *_ORDINALS, *_PARTS})

_LITERAL = re.compile(r"\d[\d.,]*(?:e[+-]?\d{1,3})?")
_THOUSANDS_COMMA = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_THOUSANDS_POINT = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d+)?|[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_DECIMAL = re.compile(r"(?:0|[1-9]\d*|0*(?=[.,]))(?:[.,]\d+)?(?:e[+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a row of words and where it ended. ``ordinal`` for "third", not for "three"."""

    value: Fraction
    end: int
    ordinal: bool = False


def literal(text: str) -> Fraction | None:
    """The value of digits as people write them, or None when they are a code, a version or a list ("007", "1.2.3").

    "1,240" and "1.234.567" have thousands separators; a comma before one, two or more than three digits is a decimal
    comma ("1,5" is 1.5), and so is a point before any number of digits ("1.500" is 1.5)."""
    if len(text) > MOST_DIGITS:
        return None
    if _THOUSANDS_COMMA.fullmatch(text):
        return Fraction(text.replace(",", ""))
    if _THOUSANDS_POINT.fullmatch(text):
        return Fraction(text.replace(".", "").replace(",", "."))
    return Fraction(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else None


def read(words: Sequence[str], at: int) -> Numeral | None:
    """The number that begins at ``words[at]`` (lower case, as ``words.split`` gives them), or None."""
    first = _mixed(words, at)
    if first is None:
        return None
    value, end, ordinal = first.value, first.end, first.ordinal
    # 3 x 10 ^ 8, also written 3 * 10 ^ 8
    if words[end : end + 1] and words[end] in {"x", "*"} and words[end + 1 : end + 3] == ["10", "^"]:
        sign, place = (-1, end + 4) if words[end + 3 : end + 4] == ["-"] else (1, end + 3)
        power = words[place] if place < len(words) else ""
        if power.isascii() and power.isdecimal() and len(power) <= 3:
            return Numeral(value * Fraction(10) ** (sign * int(power)), place + 1)
    return Numeral(value, end, ordinal)


def _mixed(words: Sequence[str], at: int) -> Numeral | None:
    """A number, perhaps with a fraction behind it: "3 1/2", "two and a half", "three quarters", "1/2"."""
    if at >= len(words):
        return None
    if words[at] == "half":
        return Numeral(Fraction(1, 2), at + 1)
    if words[at] == "a" and at + 1 < len(words) and words[at + 1] in _PARTS:
        return Numeral(Fraction(1, _PARTS[words[at + 1]]), at + 2)
    whole = _plain(words, at)
    if whole is None or whole.ordinal:
        return whole
    end = whole.end
    over = _over(words, end)
    if over is not None:
        return Numeral(whole.value / over.value, over.end)
    part = _PARTS.get(words[end]) if end < len(words) else None
    if part and whole.value.denominator == 1 and 0 < whole.value < part:
        return Numeral(whole.value / part, end + 1)
    if words[end : end + 3] == ["and", "a", "half"]:
        return Numeral(whole.value + Fraction(1, 2), end + 3)
    top = _plain(words, end) if end < len(words) and words[end].isdecimal() else None
    bottom = _over(words, top.end) if top else None
    if top and bottom and top.value < bottom.value and whole.value.denominator == 1:
        return Numeral(whole.value + top.value / bottom.value, bottom.end)
    return whole


def _over(words: Sequence[str], at: int) -> Numeral | None:
    if at + 1 < len(words) and words[at] == "/" and words[at + 1].isdecimal():
        bottom = literal(words[at + 1])
        return Numeral(bottom, at + 2) if bottom else None
    return None


def _plain(words: Sequence[str], at: int) -> Numeral | None:
    word = words[at]
    if word[-1].isdecimal() or word[0].isdecimal():
        return _digits(words, at)
    if word in _ORDINALS and word not in _UNITS:
        return Numeral(Fraction(_ORDINALS[word]), at + 1, True)
    if word == "a" and at + 1 < len(words) and words[at + 1] in SCALES:
        return _spelt(words, at + 1)
    return _spelt(words, at) if word in _UNITS or word in _TENS or word in SCALES else None


def _digits(words: Sequence[str], at: int) -> Numeral | None:
    word = words[at]
    sign = -1 if word[0] == "-" else 1
    word = word.lstrip("+-")
    if word[-2:] in {"st", "nd", "rd", "th"} and word[:-2].isdecimal() and len(word) < 8:
        return Numeral(Fraction(int(word[:-2])), at + 1, True)
    match = _LITERAL.match(word)
    digits = match.group().rstrip(".,") if match else ""
    letters = word[len(digits) :].strip(".,")
    value = literal(digits)
    if value is not None:
        value *= sign
    if value is None or (letters and letters not in _SCALE_LETTERS):
        return None
    if letters:
        return Numeral(value * _SCALE_LETTERS[letters], at + 1)
    end = at + 1
    while end < min(len(words), at + 4) and words[end] in SCALES:
        value, end = value * SCALES[words[end]], end + 1
    return Numeral(value, end)


def _spelt(words: Sequence[str], at: int) -> Numeral | None:
    """ "two hundred and five thousand three hundred", "twenty-first" (the hyphen parted the words)."""
    total, group, end, ordinal = 0, 0, at, False
    last = None
    while end < len(words) and end - at < 24:
        word = words[end]
        if word in _UNITS and last in {None, "tens", "scale", "and"}:
            if last == "tens" and not 0 < _UNITS[word] < 10:
                break
            group, last = group + _UNITS[word], "unit"
        elif word in _TENS and last in {None, "scale", "and"}:
            group, last = group + _TENS[word], "tens"
        elif word in SCALES and last != "and":
            scale, last = SCALES[word], "scale"
            if scale in {100, 12}:
                group = max(group, 1) * scale
            else:
                total, group = total + max(group, 1) * scale, 0
        elif word in _ORDINALS and last in {"tens", "scale", "and"} and 0 < _ORDINALS[word] < 100:
            group, end, ordinal = group + _ORDINALS[word], end + 1, True
            break
        elif word == "and" and last == "scale" and _goes_on(words, end + 1):
            last = "and"
        elif word == "-" and last == "tens" and _goes_on(words, end + 1):
            pass
        else:
            break
        end += 1
    return Numeral(Fraction(total + group), end, ordinal) if end > at else None


def _goes_on(words: Sequence[str], at: int) -> bool:
    return at < len(words) and (words[at] in _UNITS or words[at] in _TENS or words[at] in _ORDINALS)
