"""What a pair of answers has in common, as the numbers that the fitted head weighs. All symmetric, all in 0..1."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from alen.core.equivalence.aliases import OPPOSITES
from alen.core.equivalence.said import Said, take
from alen.thought import answer_type

NAMES = (
    "words",
    "new_words_contained",
    "letters_contained",
    "spelling",
    "last_word",
    "ends_with",
    "starts_with",
    "number_missing",
    "negation_differs",
    "opposites",
    "length",
    "length_ratio",
    "human",
    "number",
    "location",
    "description",
    "human_contained",
    "description_letters",
    "no_question",
)
"""In the order in which ``of`` gives them."""

FOR = frozenset(
    "words new_words_contained letters_contained spelling last_word ends_with starts_with length_ratio".split()
)
"""Speak for being the same: fitting may ignore them but never turn them round."""
AGAINST = frozenset("number_missing negation_differs opposites".split())
"""Speak against it, likewise."""

_MOST_OWN = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What the question asks for: its words, which say nothing new in an answer, and the type of its answer."""

    question: str = ""
    bag: frozenset[str] = frozenset()
    kind: str = ""

    @classmethod
    def of(cls, question: str | None) -> Asked:
        return cls(question, take(question).bag, answer_type(question)) if question else cls()


def of(one: Said, two: Said, asked: Asked) -> list[float]:
    """The pair's numbers, in the order of ``NAMES``."""
    few, many = (one.stems, two.stems) if len(one.stems) < len(two.stems) else (two.stems, one.stems)
    words = 2 * len(one.bag & two.bag) / ((len(one.bag) + len(two.bag)) or 1)
    own, foreign = one.new - two.new, two.new - one.new
    contained = _contained(one.new, two.new) if one.new and two.new else words
    return [
        words,
        contained,
        _contained(one.grams, two.grams),
        _spelling(own, foreign),
        float(bool(few) and few[-1] == many[-1] and few[-1] not in asked.bag),
        float(many[len(many) - len(few) :] == few),
        float(many[: len(few)] == few),
        float(bool(one.numbers) != bool(two.numbers)),
        float(one.negations % 2 != two.negations % 2),
        float(opposed(own, foreign)),
        min(math.log1p(len(few)) / 4, 1.0),
        len(few) / (len(many) or 1),
        float(asked.kind == "human"),
        float(asked.kind == "number"),
        float(asked.kind == "location"),
        float(asked.kind == "description"),
        contained * (asked.kind == "human"),
        _contained(one.new_grams, two.new_grams) * (asked.kind == "description"),
        float(not asked.kind),
    ]


def _contained(one: frozenset[str], two: frozenset[str]) -> float:
    """Share of the smaller set that the larger one holds."""
    return len(one & two) / (min(len(one), len(two)) or 1)


def opposed(own: Collection[str], foreign: Collection[str]) -> bool:
    """Whether a word of one side says the opposite of a word of the other."""
    return any(not OPPOSITES[word].isdisjoint(foreign) for word in own if word in OPPOSITES)


def acronym(one: Said, two: Said) -> bool:
    """Whether one is written as the first letters of the other ("IPCC"), small words left out or not."""
    if len(one.written) != 1 and len(two.written) != 1:
        return False
    short, long = (one, two) if len(one.written) == 1 else (two, one)
    if not 2 <= len(long.written) <= 10:
        return False
    letters = short.written[0]
    if not letters.isupper() or not 2 <= len(letters) <= 8:
        return False
    return letters.lower() in {
        "".join(word[0] for word in long.written).lower(),
        "".join(word[0] for word in long.key if word in long.content).lower(),
        "".join(word[0] for word in long.written if word[0].isupper()).lower(),
    }


def _spelling(own: Collection[str], foreign: Collection[str]) -> float:
    """How alike in letters the words are that only one side has, 1 when nothing is left over on either."""
    if not own and not foreign:
        return 1.0
    if not own or not foreign or len(own) > _MOST_OWN or len(foreign) > _MOST_OWN:
        return 0.0
    few, many = (own, foreign) if len(own) <= len(foreign) else (foreign, own)
    likeness = [max(_alike(word, other) for other in many) for word in few]
    if len(own) == len(foreign):
        likeness += [max(_alike(word, other) for other in few) for word in many]
    return sum(likeness) / len(likeness)


def _alike(one: str, two: str) -> float:
    """Dice coefficient of letter pairs, ends included; 0 between numbers."""
    if one[0].isdecimal() or two[0].isdecimal() or len(one) > 40 or len(two) > 40:
        return 0.0
    first, second = _letter_pairs(one), _letter_pairs(two)
    return 2 * len(first & second) / (len(first) + len(second))


@lru_cache(maxsize=4096)
def _letter_pairs(word: str) -> frozenset[str]:
    return frozenset(a + b for a, b in zip(" " + word, word + " ", strict=True))
