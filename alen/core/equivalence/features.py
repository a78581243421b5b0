"""What a pair of answers has in common, as the numbers that the fitted head weighs. All symmetric, all in 0..1."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from alen.core.equivalence import names
from alen.core.equivalence.aliases import OPPOSITES
from alen.core.equivalence.said import Said, take
from alen.thought import answer_type

NAMES = (
    "words",
    "new_words",
    "new_words_contained",
    "both_add",
    "one_adds",
    "letters",
    "letters_contained",
    "spelling",
    "last_word",
    "first_word",
    "numbers_agree",
    "numbers_differ",
    "number_missing",
    "negation_differs",
    "opposites",
    "name_agrees",
    "name_differs",
    "acronym",
    "length",
    "length_ratio",
    "human",
    "number",
    "location",
    "description",
    "human_contained",
    "number_contained",
    "description_letters",
    "no_question",
)
"""In the order in which ``of`` gives them."""

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
    shared = len(one.bag & two.bag)
    words = 2 * shared / ((len(one.bag) + len(two.bag)) or 1)
    mine, others = one.content - asked.bag, two.content - asked.bag
    both, least = len(mine & others), min(len(mine), len(others))
    own, foreign = mine - others, others - mine
    contained = both / least if least else words
    grams, smaller = len(one.grams & two.grams), min(len(one.grams), len(two.grams))
    letters = 2 * grams / ((len(one.grams) + len(two.grams)) or 1)
    lengths = sorted((len(one.stems), len(two.stems)))
    human, number, description = (float(asked.kind == kind) for kind in ("human", "number", "description"))
    named = names.agreement(one.key, two.key, person=bool(human)) if shared else ""
    return [
        words,
        2 * both / (len(mine) + len(others)) if least else words,
        contained,
        min(len(own), len(foreign), 3) / 3,
        min(max(len(own), len(foreign)), 6) / 6,
        letters,
        grams / smaller if smaller else 0.0,
        _spelling(own, foreign),
        float(one.stems[-1:] == two.stems[-1:]),
        float(one.stems[:1] == two.stems[:1]),
        float(bool(one.numbers) and one.numbers == two.numbers),
        float(bool(one.numbers - two.numbers) and bool(two.numbers - one.numbers)),
        float(bool(one.numbers) != bool(two.numbers)),
        float(one.negations % 2 != two.negations % 2),
        float(opposed(own, foreign)),
        float(named == "same"),
        float(named == "different"),
        float(acronym(one, two)),
        min(math.log1p(lengths[0]) / 4, 1.0),
        lengths[0] / (lengths[1] or 1),
        human,
        number,
        float(asked.kind == "location"),
        description,
        human * contained,
        number * contained,
        description * letters,
        float(not asked.kind),
    ]


def opposed(own: Collection[str], foreign: Collection[str]) -> bool:
    """Whether a word of one side says the opposite of a word of the other."""
    return any(not OPPOSITES[word].isdisjoint(foreign) for word in own if word in OPPOSITES)


def acronym(one: Said, two: Said) -> bool:
    """Whether one is written as the first letters of the other ("IPCC"), small words left out or not."""
    short, long = sorted((one, two), key=lambda said: len(said.written))
    if len(short.written) != 1 or not 3 <= len(long.written) <= 10:
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
    few, many = sorted((own, foreign), key=len)
    likeness = [max(_alike(word, other) for other in many) for word in few]
    if len(own) == len(foreign):
        likeness += [max(_alike(word, other) for other in few) for word in many]
    return sum(likeness) / len(likeness)


def _alike(one: str, two: str) -> float:
    """Dice coefficient of letter pairs, ends included; 0 between numbers."""
    if one[0].isdecimal() or two[0].isdecimal() or len(one) > 40 or len(two) > 40:
        return 0.0
    first = {a + b for a, b in zip(" " + one, one + " ", strict=True)}
    second = {a + b for a, b in zip(" " + two, two + " ", strict=True)}
    return 2 * len(first & second) / (len(first) + len(second))
