"""What can be decided without weighing: the first rule that applies says whether two answers are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alen.core.equivalence import names
from alen.core.equivalence.aliases import NEGATIONS, QUALIFIERS
from alen.core.equivalence.features import Asked, acronym, opposed
from alen.core.equivalence.said import Said
from alen.core.equivalence.words import stem

Ruling = tuple[float, str]
"""1.0 or 0.0 and the rule's name; 0.5 for dates of which one says less."""


def decide(one: Said, two: Said, asked: Asked) -> Ruling | None:
    """The ruling of the first rule that applies, None when the head must weigh the pair."""
    for rule in RULES:
        ruling = rule(one, two, asked)
        if ruling is not None:
            return ruling
    return None


def _text(one: Said, two: Said, asked: Asked) -> Ruling | None:
    if one.plain == two.plain:
        return 1.0, "text"
    return (0.0, "empty") if not one.key or not two.key else None


def _polarity(one: Said, two: Said, asked: Asked) -> Ruling | None:
    if one.polarity and two.polarity:
        return float(one.polarity == two.polarity), "yes or no"
    # "No. 5" is not "no".
    return (0.0, "yes or no") if (one.polarity or two.polarity) and one.numbers != two.numbers else None


def _date(one: Said, two: Said, asked: Asked) -> Ruling | None:
    if not one.dates or not two.dates:
        # "May" is neither a verb nor, unless somebody is asked for, a surname.
        month = (_is_month(one) or _is_month(two)) and asked.kind != "human"
        return (0.0, "date") if month and not one.quantity and not two.quantity else None
    found = [(a.agreement(b), a, b) for a in one.dates for b in two.dates]
    kinds = {kind for kind, _, _ in found}
    if "same" in kinds or any(kind == "partial" and a.fits(b, asked.question) for kind, a, b in found):
        return 1.0, "date"
    return (0.5, "partial date") if "partial" in kinds else (0.0, "date")


def _is_month(said: Said) -> bool:
    return len(said.key) == 1 and any(date.month for date in said.dates)


def _quantity(one: Said, two: Said, asked: Asked) -> Ruling | None:
    if one.quantity is None or two.quantity is None:
        return None
    return float(one.quantity.same(two.quantity)), "quantity"


def _key(one: Said, two: Said, asked: Asked) -> Ruling | None:
    return (1.0, "words") if _ended(one.key) == _ended(two.key) else None


def _ended(key: tuple[str, ...]) -> tuple[str, ...]:
    """At the end "the eighth" is what "VIII" and "8" are."""
    return (*key[:-1], key[-1].rstrip("#")) if key and key[-1][0].isdecimal() else key


def _items(one: Said, two: Said, asked: Asked) -> Ruling | None:
    return (1.0, "list") if len(one.items) > 1 and one.items == two.items else None


def _number(one: Said, two: Said, asked: Asked) -> Ruling | None:
    """The same but for other numbers ("Apollo 11", "the Apollo 13 mission")."""
    if one.numbers <= two.numbers or two.numbers <= one.numbers:
        return None
    mine, others = one.bag - one.numbers, two.bag - two.numbers
    return (0.0, "number") if mine <= others or others <= mine else None


def _one_word(one: Said, two: Said, asked: Asked) -> Ruling | None:
    """Answers that differ in one word: an opposite, a "not", a plural, a qualifier, a surname left out."""
    short, long = (one, two) if len(one.key) <= len(two.key) else (two, one)
    if len(long.key) - len(short.key) > 1:
        return None
    if len(short.key) == len(long.key):
        places = [at for at, (a, b) in enumerate(zip(short.key, long.key, strict=True)) if a != b]
        if len(places) != 1:
            return None
        a, b = short.key[places[0]], long.key[places[0]]
        if opposed([a], [b]):
            return 0.0, "opposite"
        if a.rstrip("+#-") == b.rstrip("+#-") or len(a) == len(b) == 1:
            return 0.0, "sign"  # "A+" and "A-", "vitamin A" and "vitamin B"
        if stem(a) == stem(b) and not (_capital(short, a) and _capital(long, b)):
            return 1.0, "plural"
    else:
        extra = [at for at, word in enumerate(long.key) if word in NEGATIONS]
        if any(long.key[:at] + long.key[at + 1 :] == short.key for at in extra):
            return 0.0, "negation"
        if long.key[1:] == short.key and long.key[0] in QUALIFIERS:
            return 0.0, "qualifier"
        if long.key[:1] == short.key and asked.kind in {"", "human"} and _full_name(long):
            return 0.0, "first name"
    return None


def _full_name(said: Said) -> bool:
    """Two capitalised words and nothing else ("Marta Hald")."""
    return len(said.written) == 2 and "," not in said.plain and all(word.istitle() for word in said.written)


def _capital(said: Said, word: str) -> bool:
    return any(written[0].isupper() for written in said.written if written.lower().startswith(word[:3]))


def _name(one: Said, two: Said, asked: Asked) -> Ruling | None:
    found = names.agreement(one.key, two.key, person=asked.kind == "human")
    return (float(found == "same"), "name") if found else None


def _acronym(one: Said, two: Said, asked: Asked) -> Ruling | None:
    return (1.0, "acronym") if acronym(one, two) else None


RULES: Sequence[Callable[[Said, Said, Asked], Ruling | None]] = (
    _text,
    _polarity,
    _date,
    _quantity,
    _key,
    _items,
    _number,
    _one_word,
    _name,
    _acronym,
)
