"""Amounts: a number or a range with its unit, compared by value whatever the unit they are given in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from alen.core.equivalence import dates, numerals
from alen.core.equivalence.words import stem
from alen.core.units import UNITS

_AT_LEAST = frozenset("over above exceeding least minimum more greater".split())
_AT_MOST = frozenset("under below less fewer most maximum".split())
_MINUS = frozenset({"minus", "negative"})
_SIGNS = frozenset("$€£¥₹")
_BEFORE = (
    frozenset(
        "about around approximately approx roughly circa ca c some exactly precisely just only nearly almost the a an "
        "in at for by of is was it they there are were to than between from us up total all - x".split()
    )
    | _AT_LEAST
    | _AT_MOST
    | _MINUS
    | _SIGNS
)
_FILLING = frozenset("of the a an us - °".split())
_CURRENCIES = {
    "$": "dollar", "dollar": "dollar", "dollars": "dollar", "usd": "dollar", "us$": "dollar",
    "€": "euro", "euro": "euro", "euros": "euro", "eur": "euro",
    "£": "pound", "gbp": "pound", "sterling": "pound", "pound": "pound", "pounds": "pound",
    "¥": "yen", "yen": "yen", "jpy": "yen", "₹": "rupee", "rupee": "rupee", "rupees": "rupee", "inr": "rupee",
}  # fmt: skip
_BIGGER = frozenset("square cubic squared cubed per ^ / sq cu".split())
_DATED = dates.SIGNS - {"century", "centuries"}
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Quantity:
    """``low`` to ``high`` (equal for one value) in ``unit``, a name of the unit table, or "" when it has none of them.

    ``rest`` are the words behind the number, the unit too; ``bound`` is +1 for "over", -1 for "under"."""

    low: Fraction
    high: Fraction
    unit: str = ""
    currency: str = ""
    percent: bool = False
    ordinal: bool = False
    bound: int = 0
    rest: frozenset[str] = frozenset()

    def same(self, other: Quantity) -> bool:
        """Equal values and nothing in the units, currencies or counted things that disagrees. What one side leaves
        out is taken to be as the other says it ("3" is "3 kg", "over 74" is "74"). Values are exact: "3.14" is not
        "3.1"; only between different units may one be the other rounded."""
        if self.bound * other.bound < 0:
            return False
        if self.unit and other.unit:
            return self._converted(other)
        if (self.currency or other.currency) and not self._money(other):
            return False
        if self.percent != other.percent:
            if (other if self.percent else self).rest:
                return False
            if self._as_share() == other._as_share():
                return True
        if (self.low, self.high) != (other.low, other.high):
            return False
        if not self.rest or not other.rest:
            return True
        if self.ordinal != other.ordinal or (self.rest ^ other.rest) & _BIGGER:
            return False
        return self.rest <= other.rest or other.rest <= self.rest

    def _as_share(self) -> tuple[Fraction, Fraction]:
        scale = Fraction(1, 100) if self.percent else Fraction(1)
        return self.low * scale, self.high * scale

    def _money(self, other: Quantity) -> bool:
        one, two = self.currency, other.currency
        if one and two:
            return one == two
        # "5 pounds" may be money or weight, "5" anything, "5 apples" is no money.
        bare = other if one else self
        return not bare.rest or (bare.unit in {"pound", "pounds"} and (one or two) == "pound")

    def _converted(self, other: Quantity) -> bool:
        mine, others = UNITS[self.unit], UNITS[other.unit]
        if mine[0] != others[0]:
            return False
        for one, two in ((self.low, other.low), (self.high, other.high)):
            there = (one * mine[1] + mine[2] - others[2]) / others[1]
            back = (two * others[1] + others[2] - mine[2]) / mine[1]
            if there != two and (self.unit == other.unit or not (_rounds(there, two) or _rounds(back, one))):
                return False
        return True


def _rounds(exact: Fraction, said: Fraction) -> bool:
    """Whether ``said`` is ``exact`` rounded to the digits it is given with, two at least ("5 km" is "3.1 miles")."""
    for places in range(7):
        scaled = said * 10**places
        if scaled.denominator == 1:
            return abs(scaled) >= 10 and round(exact * 10**places) == scaled
    return False


def read(words: Sequence[str]) -> Quantity | None:
    """The amount that a text is, and nothing else; None for "room 5" or a sentence."""
    at = next((place for place in range(min(len(words), 8)) if words[place] not in _BEFORE), None)
    first = None if at is None else numerals.read(words, at)
    while first is None and at:  # "a hundred" begins with a word that may also stand before a number
        at -= 1
        first = numerals.read(words, at)
    if first is None:
        one = len(words) == 2 and words[0] in {"a", "an"} and len(words[1]) > 2 and _unit(words, 1)
        return Quantity(Fraction(1), Fraction(1), words[1], rest=frozenset({stem(words[1])})) if one else None
    before = frozenset(words[:at])
    value = -first.value if before & _MINUS else first.value
    low, high, end = _range(words, first, value, bool(before & {"between", "from"}))
    bound = bool(before & _AT_LEAST) - bool(before & _AT_MOST)
    money = next((_CURRENCIES[word] for word in before if word in _CURRENCIES), "")
    return _measured(Quantity(low, high, currency=money, bound=bound, ordinal=first.ordinal), words[end:], "%" in words)


def _range(
    words: Sequence[str], first: numerals.Numeral, low: Fraction, between: bool
) -> tuple[Fraction, Fraction, int]:
    """(low, high, end) of "3-4", "between 3 and 4", "$3 to $5 million", "5 km to 7 km"; low = high for one number."""
    unit = _unit(words, first.end)
    at = unit[1] if unit else first.end + (words[first.end : first.end + 1] == ["%"])
    if at < len(words) and (words[at] in {"-", "to"} or (between and words[at] == "and")):
        second = numerals.read(words, at + 1 + bool(_SIGNS & set(words[at + 1 : at + 2])))
        if second is not None and not second.ordinal:
            scale = numerals.SCALES.get(words[second.end - 1], 1)
            if low < 1000 and words[first.end - 1] not in numerals.SCALES:
                low *= scale  # "3 to 5 million" begins at three million
            return min(low, second.value), max(low, second.value), second.end
    return low, low, first.end


def _unit(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """The unit at ``words[at]`` and where it ends, "degrees" and "°" before it passed over."""
    while at < len(words) and words[at] in {"°", "degree", "degrees"}:
        at += 1
    if at < len(words) and words[at] in UNITS and not set(words[at + 1 : at + 2]) & _BIGGER:
        return words[at], at + 1
    return None


def _measured(number: Quantity, behind: Sequence[str], percent: bool) -> Quantity | None:
    """The number with what stands behind it; None when that is a sentence or holds another number."""
    name, at, more = _added(behind) if number.low == number.high else (*(_unit(behind, 0) or ("", 0)), Fraction(0))
    rest = [word for word in behind[at:] if word not in _FILLING]
    percent = percent or "percent" in rest or ("per" in rest and "cent" in rest)
    if percent:
        rest = [word for word in rest if word not in {"%", "percent", "per", "cent"}]
    bound = number.bound
    if rest[:2] == ["or", "more"] or rest[:1] == ["+"]:
        bound, rest = 1, rest[2 if rest[0] == "or" else 1 :]
    currency = number.currency
    if rest and not at and not currency and rest[0] in _CURRENCIES and _unit(rest, 0) is None:
        currency, rest = _CURRENCIES[rest[0]], rest[1:]
    if len(rest) > _MOST_WORDS or any(word[-1].isdecimal() or word in numerals.NUMBER_WORDS for word in rest):
        return None
    if not _DATED.isdisjoint(rest):
        return None
    things = frozenset(stem(word) for word in rest)
    measure = "" if things & _BIGGER else name
    if name:
        things |= {stem(name), "degree"} if UNITS[name][0] == "temperature" else {stem(name)}
    return Quantity(number.low + more, number.high + more, measure, currency, percent, number.ordinal, bound, things)


def _added(behind: Sequence[str]) -> tuple[str, int, Fraction]:
    """(unit, where it ends, what smaller units add to it): the 11/12 foot of "5 feet 11 inches"."""
    unit = _unit(behind, 0)
    if unit is None:
        return "", 0, Fraction(0)
    (name, at), more = unit, Fraction(0)
    while not UNITS[name][2]:
        part = numerals.read(behind, at + (behind[at : at + 1] == ["and"]))
        smaller = _unit(behind, part.end) if part else None
        if part is None or smaller is None or UNITS[smaller[0]][0] != UNITS[name][0]:
            break
        more += part.value * UNITS[smaller[0]][1] / UNITS[name][1]
        at = smaller[1]
    return name, at, more
