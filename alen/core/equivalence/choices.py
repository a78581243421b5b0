"""Answers that choose: yes or no, or one of the options that a question gives."""

from __future__ import annotations

import re
from collections.abc import Sequence

_YES = frozenset("yes yeah yep true correct right affirmative indeed".split())
_NO = frozenset("no nope false incorrect wrong negative".split())
_OPENING = frozenset("it is that this statement s answer the claim absolutely definitely quite simply".split())
_LETTER = re.compile(
    r"\s*(?:(?:the\s+)?(?:correct\s+|right\s+|final\s+)?(?:answer|option|choice)\s*(?:is|:)?\s*)?"
    r"(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Za-z])(?:\s*[):.]|\s*$))\s*",
    re.I,
)


def polarity(words: Sequence[str], text: str) -> int:
    """+1 for an answer that is "yes" in some words, -1 for "no", 0 for anything else ("no man's land", "no. 5").

    Words behind the yes or no count as its explanation only after a comma, a point or the like."""
    said = [word for word in words[:8] if word not in _OPENING]
    if not said:
        return 0
    negated = said[0] == "not" and len(said) > 1
    word = said[1] if negated else said[0]
    value = 1 if word in _YES else -1 if word in _NO else 0
    if value and ((len(said) == 1 + negated and len(words) <= 8) or _explained(text)):
        return -value if negated else value
    return 0


def _explained(text: str) -> bool:
    opening = text.lstrip()[:8].lower()
    return opening.startswith(("yes,", "yes.", "yes;", "yes:", "no,", "no;", "no:", "true,", "false,", "yes -", "no -"))


def letter(text: str) -> tuple[str, str] | None:
    """(letter, what follows it) of "B", "(B)", "b) ignore" or "The answer is B."; None when there is no letter."""
    match = _LETTER.match(text)
    if match is None:
        return None
    return next(group for group in match.groups() if group).upper(), text[match.end() :].strip()


def option(text: str, key: tuple[str, ...], options: Sequence[tuple[str, ...]]) -> int | None:
    """Which option an answer chooses, by its text (``key``, as ``options`` are: in one form) or its letter."""
    named = [place for place, words in enumerate(options) if words == key and words]
    if len(named) == 1:
        return named[0]
    found = letter(text)
    if found is None:
        return None
    place = ord(found[0]) - ord("A")
    return place if place < len(options) else None
