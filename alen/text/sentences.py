"""Where the sentences of a text begin and end."""

from __future__ import annotations

import itertools
import re

SHORTEST = 20
"""Characters; a shorter piece, such as "No.", is taken together with what follows it."""

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[\"'“‘«(\[]?[A-Z0-9À-ÞΑ-ΩА-Я])|[。！？]+|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'])(?:(?:[A-Z]\.)*[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Capt|Sgt|Rev|Hon|Sr|Jr|vs|etc|cf|e\.g|i\.e|"
    r"no|No|Nos|vol|Vol|pp?|ed|eds|fig|Fig|approx|ca?|al|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$"
)


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of each sentence, without white space around it, in order. Nothing but white space lies between
    them. A line of a list or a table counts as a sentence of its own."""
    found = []
    for left, right in _lines(text):
        start = left
        for match in _END.finditer(text, left, right):
            if match.end() - start < SHORTEST or _ABBREVIATION.search(text[max(left, match.end() - 12) : match.end()]):
                continue
            found.append((start, match.end()))
            start = match.end()
        found.append((start, right))
    return tuple(span for span in (_stripped(text, start, end) for start, end in found) if span[0] < span[1])


_ITEM = re.compile(r"^[ \t]*(?:[-*+•|]|\d{1,3}[.)])[ \t|]", re.MULTILINE)


def _lines(text: str) -> list[tuple[int, int]]:
    """Stretches that no sentence crosses: each list item or table row begins one."""
    cuts = [0, *(match.start() for match in _ITEM.finditer(text) if match.start() > 0), len(text)]
    return list(itertools.pairwise(cuts))


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
