"""Where sentences end, as far as repair needs it: also without capitals, and one list item each."""

from __future__ import annotations

import re

_END = re.compile(
    r"[.!?…]+[\"'”’»)\]*\x00]*(?=\s)|\n\s*\n|[.!?:;…\"”*)]\s*\n|\n(?=[ \t]*(?:[-*+•>|]|\d{1,3}[.)])[ \t])|"
    r"[。！？]+|(?<=\S)\s{3,}"
)
_ABBREVIATION = re.compile(r"(?:^|[\s(\"'])(?:[A-Z]|Mrs?|Ms|Dr|Prof|St|vs|e\.g|i\.e|approx|No|Jr|Sr)\.$")
_ITEM = re.compile(r"\s*(?:\d{1,3}[.)]|[-*+•>])$")


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence with the white space after it; together they are the whole text."""
    found, start = [], 0
    for match in _END.finditer(text):
        before = text[start : match.end()].rstrip()
        # "I." ends a sentence as a pronoun and begins one as an initial; the pronoun is the dangerous one.
        if not before or _ITEM.match(before) or (_ABBREVIATION.search(before[-12:]) and not before.endswith("I.")):
            continue
        end = match.end()
        while end < len(text) and text[end].isspace():
            end += 1
        found.append((start, end))
        start = end
    if start < len(text):
        found.append((start, len(text)))
    return found
