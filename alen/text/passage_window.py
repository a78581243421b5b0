"""The part of a long passage that is worth reading for a question."""

from __future__ import annotations

import re

from alen.text.reading_prompt import PassageTokens

_WORD = re.compile(r"\w+")


def window(passage: PassageTokens, question: str, longest: int) -> PassageTokens:
    """``passage`` itself when it has at most ``longest`` tokens, else that many of its tokens: the stretch, begun at
    the start of a word, that holds the most distinct words of the question of four letters or more, the earliest of
    equals. Character offsets still count in the whole text."""
    size = len(passage.ids)
    if size <= longest:
        return passage
    asked = {word for word in _WORD.findall(question.lower()) if len(word) >= 4}
    lowered = passage.text.lower()
    step = max(1, longest // 8)
    best, most = 0, -1
    for first in [*range(0, size - longest, step), size - longest]:
        start, end = passage.spans[first][0], passage.spans[first + longest - 1][1]
        held = len(asked.intersection(_WORD.findall(lowered[start:end])))
        if held > most:
            best, most = first, held
    while best > 0 and not passage.text[passage.spans[best][0]].isspace():
        best -= 1
    return PassageTokens(passage.text, passage.ids[best : best + longest], passage.spans[best : best + longest])
