"""The part of a long passage that is worth reading for a question."""

from __future__ import annotations

import re

from alen.text.reading_prompt import PassageTokens

_WORD = re.compile(r"\w+")


def window(passage: PassageTokens, question: str, longest: int) -> PassageTokens:
    """``passage`` itself when it has at most ``longest`` tokens, else at most that many of its tokens.

    It is the stretch, from the start of a word, that holds the most distinct words of the question of four letters or
    more, the earliest of equals. Character offsets still count in the whole text."""
    size = len(passage.ids)
    if size <= longest:
        return passage
    asked = {word for word in _WORD.findall(question.lower()) if len(word) >= 4}
    lowered = passage.text.lower()
    step = max(1, longest // 8)
    best, most = (0, longest), -1
    for place in [*range(0, size - longest, step), size - longest]:
        # Moved to a word's start before counting, so that what is counted is what is read.
        first = _word_start(passage, place)
        last = min(first + longest, size)
        held = len(asked.intersection(_WORD.findall(lowered[passage.spans[first][0] : passage.spans[last - 1][1]])))
        if held > most:
            best, most = (first, last), held
    return PassageTokens(passage.text, passage.ids[slice(*best)], passage.spans[slice(*best)])


def _word_start(passage: PassageTokens, place: int) -> int:
    """The first token from ``place`` on that begins a word; ``place`` itself when none does."""
    for first in range(place, len(passage.ids)):
        if first == 0 or passage.text[passage.spans[first][0]].isspace():
            return first
    return place
