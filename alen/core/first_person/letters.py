"""Plain letters behind typographic tricks: "I’m", full-width, Cyrillic look-alikes, zero-width spaces."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιı",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXoii",
)
_MARKS = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'", "＇": "'", "″": '"', "‐": "-", "‑": "-"}
_WORD = re.compile(r"[^\W\d_]+")
_UNSEEN = {"Cf", "Mn", "Me", "Cc"}


@dataclass(frozen=True, slots=True)
class Plain:
    """``text`` in plain letters. Its character ``i`` stands at ``places[i]`` in the original; ``places`` has one entry
    more, the original's length."""

    text: str
    places: range | list[int]


def plain(text: str) -> Plain:
    """Compatibility forms unfolded, accents and invisible characters left out, look-alike letters made Latin."""
    if text.isascii():
        return Plain(text, range(len(text) + 1))
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = _folded(character)
        letters.append(folded)
        places.extend([place] * len(folded))
    places.append(len(text))
    return Plain(_WORD.sub(_latin, "".join(letters)), places)


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if character in _MARKS:
        return _MARKS[character]
    if character in "\n\t" or character.isascii():
        return character
    unfolded = unicodedata.normalize("NFKD", character)
    seen = "".join(letter for letter in unfolded if unicodedata.category(letter) not in _UNSEEN)
    return " " if seen.isspace() and seen != "\n" else seen


def _latin(word: re.Match[str]) -> str:
    """A word of look-alikes alone in Latin letters; a Greek or Russian word stays what it is."""
    latin = word.group().translate(_LOOK_ALIKES)
    return latin if latin.isascii() else word.group()
