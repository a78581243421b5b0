"""What one answer says, taken apart once: words, numbers, a date, an amount, yes or no."""

from __future__ import annotations

from dataclasses import dataclass

from alen.core.equivalence import choices, dates, numerals, quantities
from alen.core.equivalence.aliases import NEGATIONS, STOP
from alen.core.equivalence.dates import Date
from alen.core.equivalence.quantities import Quantity
from alen.core.equivalence.text import clean
from alen.core.equivalence.words import canonical, split, stem

LONGEST_READ = 10_000
"""What a text says behind this many characters counts as one word, so that no text takes long."""
LONGEST_VALUE = 200
"""Longer texts are not read as one date or one amount, in characters."""
_SHORT = 20


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """``plain`` is the cleaned text in small letters, ``key`` its words in one form, ``stems`` those without plurals.

    ``capitals`` are the key's words that were written with a capital; ``numbers`` the numbers among them."""

    text: str
    plain: str
    key: tuple[str, ...]
    stems: tuple[str, ...]
    bag: frozenset[str]
    content: frozenset[str]
    new: frozenset[str]
    grams: frozenset[str]
    new_grams: frozenset[str]
    numbers: frozenset[str]
    negations: int
    polarity: int
    dates: tuple[Date, ...]
    quantity: Quantity | None
    items: frozenset[tuple[str, ...]]
    written: tuple[str, ...]


def take(text: str, asked: frozenset[str] = frozenset()) -> Said:
    """Read an answer to a question with the words ``asked``. Never fails; linear in the text's length."""
    cleaned = clean(text[:LONGEST_READ])
    cleaned, tail = cleaned[:LONGEST_READ], (cleaned[LONGEST_READ:] + text[LONGEST_READ:]).strip()
    written = split(cleaned)
    lowered = [word.lower() for word in written]
    key = canonical(written, lowered)
    stems = tuple(stem(word) for word in key)
    bag = frozenset(stems)
    new, grams = bag - STOP - asked, _grams(stems)
    short = len(cleaned) <= LONGEST_VALUE
    number = short and (
        any(character.isdecimal() for character in cleaned) or not numerals.NUMBER_WORDS.isdisjoint(lowered)
    )
    plain = " ".join(cleaned.casefold().split()) + tail
    return Said(
        text,
        plain,
        (*key, tail) if tail else tuple(key),
        stems,
        bag,
        bag - STOP,
        new,
        grams,
        _grams(tuple(word for word in stems if word in new)) if len(new) < len(bag) else grams,
        frozenset(word for word in stems if word[0].isdecimal() or word[0] == "-"),
        sum(word in NEGATIONS for word in key),
        choices.polarity(lowered, plain),
        dates.read(lowered) if number or (short and not dates.SIGNS.isdisjoint(lowered)) else (),
        quantities.read(lowered) if number or (len(lowered) == 2 and lowered[0] in {"a", "an"}) else None,
        _items(cleaned) if short and (("," in cleaned) or (" and " in cleaned) or ("&" in cleaned)) else frozenset(),
        tuple(written),
    )


def _grams(words: tuple[str, ...]) -> frozenset[str]:
    """Character trigrams of the words, each with a space before and behind."""
    text = f" {' '.join(words)} "
    return frozenset([text[at : at + 3] for at in range(len(text) - 2)])


def _items(text: str) -> frozenset[tuple[str, ...]]:
    """The parts of a list ("Norway, Iceland and Denmark"); empty when it is not one."""
    parts = text.replace(" and ", ", ").replace("&", ", ").replace(";", ", ").split(", ")
    if not 2 <= len(parts) <= _SHORT:
        return frozenset()
    keys = []
    for part in parts:
        written = split(part)
        keys.append(tuple(canonical(written, [word.lower() for word in written])))
    return frozenset(key for key in keys if key)
