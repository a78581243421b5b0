"""What a sentence says of its subject: which helping words and denials stand before the word that matters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"[a-z]+?(?=n't\b)|n't\b|'(?:m|ve|d|ll|re|s)\b|(?:a\.i\.|e\.g\.|i\.e\.)|[a-z]+|\d[\d.,]*\d|\d|\x00+|[^\s\w]",
    re.IGNORECASE,
)
_JOINED = {
    "im": ("i", "'m"),
    "ive": ("i", "'ve"),
    "cannot": ("can", "not"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
}
_NO_APOSTROPHE = re.compile(r"(do|does|did|is|was|are|were|have|has|had|ca|wo|could|would|should|ai)nt")
_MODAL = frozenset("can could will would 'll 'd may might must shall should ca wo sha".split())
_DO = frozenset("do does did".split())
_BE = frozenset("am 'm is are was were been be being ai 're 's".split())
_HAVE = frozenset("have 've had has".split())
_NOT = frozenset("not n't never neither nor".split())
_ONLY = frozenset("just only merely simply purely".split())
_ADVERBS = frozenset(
    "also then now always still already ever often sometimes again once soon so too quite very both all even well "
    "indeed perhaps maybe currently actually kinda usually of course therefore however today tonight yesterday "
    "tomorrow both either primarily mostly mainly here there more much too 've".split()
)
_NOT_ADVERBS = frozenset(
    "reply apply supply rely comply family fly ally imply lonely only friendly early ugly lovely".split()
)
_LINKS = frozenset("to of".split())


@dataclass(frozen=True, slots=True)
class Token:
    """A word in small letters, and its characters in the sentence."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """``rest`` is everything from the head word on, single-spaced, up to where the next first person begins."""

    rest: str
    negated: bool
    never: bool
    but_only: bool
    be: bool
    have: bool
    modal: bool
    do: bool
    end: int
    """Character at which the rest ends."""


def tokens(sentence: str) -> list[Token]:
    """Words with their contractions taken apart, numbers and marks."""
    found: list[Token] = []
    for match in _TOKEN.finditer(sentence):
        word, (start, end) = match.group().lower(), match.span()
        bare = _NO_APOSTROPHE.fullmatch(word)
        parts = _JOINED.get(word) or ((bare.group(1), "n't") if bare else None)
        if parts is None:
            found.append(Token("\x00" if word[0] == "\x00" else word, start, end))
        else:
            found.extend(Token(part, start, end) for part in parts)
    return found


def predicate(words: Sequence[Token], subject: int, until: int) -> Predicate:
    """What is said of the token ``subject``, looking no further than token ``until``."""
    place, flags = subject + 1, {"not": False, "never": False, "only": False, "be": False}
    have = modal = do = False
    while place < until:
        word = words[place].word
        if word in _NOT:
            flags["not"] = True
            flags["never"] |= word == "never"
        elif word in _ONLY:
            flags["only"] |= flags["not"]
        elif word == "no" and place + 1 < until and words[place + 1].word in {"longer", "more"}:
            flags["not"] = flags["never"] = True
            place += 1
        elif word in _MODAL:
            modal = True
        elif word in _DO and place + 1 < until and words[place + 1].word not in {"it", "this", "that"}:
            do = True
        elif word in _BE:
            flags["be"] = True
        elif word in _HAVE:
            have = True
        elif word in {"going", "able", "unable", "about", "capable"} and _links(words, place, until):
            flags["not"] |= word == "unable"
            flags["be"], modal = False, True
        elif word == "to" and (have or flags["be"]):
            have, modal, flags["be"] = False, True, False
        elif word in _LINKS and modal and words[place - 1].word in {"able", "capable", "going", "about", "unable"}:
            pass
        elif word == "," and (closing := _parenthesis(words, place, until)):
            place = closing
        elif not (word in _ADVERBS or (word.endswith("ly") and word not in _NOT_ADVERBS)):
            break
        place += 1
    rest = " ".join(token.word for token in words[place:until]).replace(" n't", "n't").replace(" '", "'")
    end = words[until - 1].end if until > 0 else 0
    return Predicate(rest, flags["not"], flags["never"], flags["only"], flags["be"], have, modal, do, end)


def inverted_denial(words: Sequence[Token], subject: int) -> bool:
    """ "nor do I", "neither can I", "never have I"."""
    return any(token.word in {"nor", "neither"} for token in words[max(0, subject - 3) : subject])


def _links(words: Sequence[Token], place: int, until: int) -> bool:
    return place + 1 < until and words[place + 1].word in _LINKS


def _parenthesis(words: Sequence[Token], place: int, until: int) -> int:
    """The closing comma of what is put between commas after the subject; 0 when there is none."""
    return next((at for at in range(place + 1, min(until, place + 12)) if words[at].word == ","), 0)
