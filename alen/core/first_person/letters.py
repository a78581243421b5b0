"""Plain letters behind typographic tricks: "I’m", full-width, Cyrillic look-alikes, zero-width spaces."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιı",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXoii",
)
_MARKS = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'", "＇": "'", "″": '"', "‐": "-", "‑": "-"}
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
    return Plain("".join(letters), places)


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if character in _MARKS:
        return _MARKS[character]
    if character in "\n\t" or character.isascii():
        return character
    unfolded = unicodedata.normalize("NFKD", character)
    seen = "".join(letter for letter in unfolded if unicodedata.category(letter) not in _UNSEEN)
    return " " if seen.isspace() and seen not in "\n" else seen.translate(_LOOK_ALIKES)
