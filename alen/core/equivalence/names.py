"""Names of people: titles, first names left out, initials and short forms."""

from __future__ import annotations

from typing import Literal

from alen.core.equivalence.aliases import NICKNAMES, RANKS, ROYAL, TITLES

_LONGEST = 5
_FULL_NAME = 3


def agreement(one: tuple[str, ...], two: tuple[str, ...], *, person: bool) -> Literal["same", "different", ""]:
    """Whether two names are one person's, two people's of one family, or neither can be said.

    ``one`` and ``two`` are words in one form. ``person`` says that the question asks for somebody; without it only a
    title may be missing, since "York" is not "New York"."""
    first, second = _bare(one, person), _bare(two, person)
    if not person and (one == second[0] or two == first[0]) and TITLES.isdisjoint((*one, *two)):
        return ""  # only a rank is missing, and it may be part of a name ("King Cobra")
    if first[0] == second[0] and first[1] and (first[0] != one or second[0] != two):
        mine, others = set(one[: len(one) - len(first[0])]), set(two[: len(two) - len(second[0])])
        if mine <= others or others <= mine:
            return "same"
        return "different" if mine & ROYAL and others & ROYAL and not mine & others & ROYAL else ""
    if not person:
        return ""
    short, long = _without_suffix(first[0]), _without_suffix(second[0])
    if len(short) > len(long):
        short, long = long, short
    if not short or len(long) > _LONGEST or len(long) < 2 or short[-1] != long[-1] or not short[-1].isalpha():
        return ""
    if long[-len(short) :] == short:
        return "same"  # the first name or what somebody is left out: "Einstein", "comedian Nick Hancock"
    if not _may_be(short[0], long[0]):
        return "different" if len(long) <= _FULL_NAME else ""
    return "same" if _in_order(short[1:-1], long[1:-1]) else ""


def _bare(words: tuple[str, ...], person: bool) -> tuple[tuple[str, ...], bool]:
    titles = RANKS if person else TITLES | ROYAL
    at = 0
    while at < len(words) - 1 and words[at] in titles:
        at += 1
    return words[at:], bool(words[at:]) and words[-1] not in titles


def _without_suffix(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[:-1] if len(words) > 2 and words[-1] in {"junior", "senior"} else words


def _may_be(one: str, two: str) -> bool:
    """Equal, an initial of the other ("j", "jr" for "john ronald"), or its short form."""
    if one == two or NICKNAMES.get(one, one) == NICKNAMES.get(two, two):
        return True
    short, long = sorted((one, two), key=len)
    return len(short) <= 3 and short[:1] == long[:1] and (len(short) == 1 or not set(short[1:]) & set("aeiouy"))


def _in_order(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    left = iter(many)
    return all(any(_may_be(word, other) for other in left) for word in few)
