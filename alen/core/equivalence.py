"""When two answers say the same: numbers by value, text after SQuAD's normalisation (Rajpurkar et al., 2016)."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NOT_WORD = re.compile(r"[^\w\s.%-]|(?<!\d)[.%-]|[.-](?!\d)")
_NUMBER = re.compile(r"^[^\d-]{0,2}(-?\d+(?:\.\d+)?)\s*(.*)$")
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}


def normalise(text: str) -> str:
    """Lower case, no articles, no punctuation except inside numbers, number words as digits, single spaces."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower())
    text = _ARTICLES.sub(" ", _NOT_WORD.sub(" ", text))
    return " ".join(_NUMBER_WORDS.get(token, token) for token in text.split())


def number_of(text: str) -> tuple[Fraction, str] | None:
    """The leading number and what follows it ("1,240 degrees" -> (1240, "degrees")), or None."""
    match = _NUMBER.match(normalise(text))
    return (Fraction(match.group(1)), match.group(2).strip()) if match else None


def overlap(first: str, second: str) -> float:
    """Token F1 of two answers, 0..1."""
    a, b = Counter(normalise(first).split()), Counter(normalise(second).split())
    shared = sum((a & b).values())
    return 2.0 * shared / (sum(a.values()) + sum(b.values())) if shared else 0.0


def equivalent(first: str, second: str) -> bool:
    """True when both say the same: equal text, or equal numbers whose units do not disagree."""
    if normalise(first) == normalise(second):
        return True
    one, other = number_of(first), number_of(second)
    if one and other and one[0] == other[0]:
        return not one[1] or not other[1] or overlap(one[1], other[1]) >= 0.5
    return False
