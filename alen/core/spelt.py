"""Numbers in words as digits, so that a sum in words is computed as any other."""

from __future__ import annotations

import re

from alen.core.equivalence.numerals import CARDINALS, SCALES, read

_WORD = "|".join(sorted(CARDINALS, key=len, reverse=True))
_RUN = re.compile(rf"\b(?:a\s+(?=(?:{'|'.join(SCALES)})\b))?(?:{_WORD})(?:(?:\s+|-|\s+and\s+)(?:{_WORD}))*\b", re.I)
_NAMES = {value: word for word, value in CARDINALS.items() if word != "dozen"}


def in_digits(text: str) -> str:
    """The text with its whole numbers in digits: "seven hundred and five" is "705". Numbers that stand side by side
    without being one ("seven-eleven", "one two") stay side by side, and what nobody would write for a number ("two
    thousand million") stays as it is."""
    return _RUN.sub(lambda run: _digits(re.split(r"[\s-]+", run.group().lower())), text)


def _digits(words: list[str]) -> str:
    told, at = [], 0
    while at < len(words):
        number = read(words, at)
        end = at + 1 if number is None else number.end
        said = ["one" if word == "a" else word for word in words[at:end] if word != "and"]
        # What was read is said again: a proof must not rest on a slip of the reading.
        proved = number is not None and number.value.denominator == 1 and _in_words(int(number.value)) == said
        told += [str(number.value)] if number is not None and proved else words[at:end]
        at = end
    return " ".join(told)


def _in_words(value: int) -> list[str]:
    for scale in (10**12, 10**9, 10**6, 1000, 100):
        if value >= scale:
            rest = value % scale
            return [*_in_words(value // scale), _NAMES[scale], *(_in_words(rest) if rest else [])]
    return [_NAMES[value]] if value in _NAMES else [_NAMES[value - value % 10], _NAMES[value % 10]]
