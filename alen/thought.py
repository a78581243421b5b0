"""ThoughtState: a question as the core sees it: unit vector, expected answer type, numbers, entities (numpy only)."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alen.errors import BadInput

if TYPE_CHECKING:
    from alen.types import Encoder

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*", re.UNICODE)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?")
NEIGHBOURS = 10
"""Known questions that an out-of-distribution score looks at."""
LETTERS = "ABCDEFGHIJ"
_OPTION = re.compile(r"(?:(?<=\s)|^)\(?([A-J])[).:](?=\s)")
_ENTITY = re.compile(r"\b[A-Z][\w'’-]*(?:\s+(?:of\s+|the\s+)?[A-Z][\w'’-]*)*")

# Coarse classes of Li and Roth (2002), "Learning question classifiers", decided by the question's opening words.
_TYPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "number",
        re.compile(r"\bhow (many|much|long|old|tall|far|fast|hot|big|deep|heavy|often|high|wide|large)\b", re.I),
    ),
    (
        "number",
        re.compile(
            r"\b(when|(what|which) (year|date|day|month|century|decade|time|percent\w*|number|age|temperature|"
            r"speed|price|cost|height|length|width|weight|size|distance|rate|population|amount|fraction|proportion))\b",
            re.I,
        ),
    ),
    ("human", re.compile(r"\b(who|whom|whose)\b", re.I)),
    ("location", re.compile(r"\b(where|(what|which) (country|city|state|town|continent|river|region|place))\b", re.I)),
    ("abbreviation", re.compile(r"\b(stand for|abbreviation|acronym)\b", re.I)),
    ("description", re.compile(r"^\s*(why|how|describe|explain|define|what does .* mean)\b", re.I)),
)


@dataclass(frozen=True, slots=True, eq=False)
class ThoughtState:
    """A question's state. ``vector`` is a float32 unit vector of length ``dim``; ``space`` names what made it;
    ``options`` are what the question offers to choose from."""

    text: str
    vector: np.ndarray
    answer_type: str
    numbers: tuple[str, ...]
    entities: tuple[str, ...]
    space: str
    options: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        return int(self.vector.shape[0])

    @classmethod
    def from_input(cls, text: str, dim: int = 256, *, encoder: Encoder | None = None) -> ThoughtState:
        """Make a state from text. Without an encoder the vector is feature-hashed (Weinberger et al., 2009) words,
        word pairs and character trigrams, so no model is needed; with one, ``dim`` is the encoder's own.

        Raises BadInput when the text is empty or ``dim`` is below 1."""
        if not text or not text.strip():
            raise BadInput("text", "an empty text", "a text with at least one letter or digit", "Write a question.")
        if dim < 1:
            raise BadInput("dim", str(dim), "a whole number of at least 1", "The usual choice is 256.")
        if encoder is not None:
            vector, space = np.asarray(encoder.encode([text])[0], dtype=np.float32), encoder.fingerprint
        else:
            vector, space = _hashed(text, dim), f"hash-{dim}"
        return cls(text, vector, answer_type(text), numbers(text), entities(text), space, options(text))

    def similarity(self, other: ThoughtState) -> float:
        """Cosine in -1..1. Raises BadInput when the two states come from different spaces."""
        if self.space != other.space:
            raise BadInput("other", f"space {other.space}", f"space {self.space}", "Make both with the same encoder.")
        return float(self.vector @ other.vector)

    def unfamiliarity(self, known_ND: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
        """How far this question is from N known ones of the same space, as ``unfamiliarity`` says."""
        return unfamiliarity(known_ND @ self.vector, neighbours)


def unfamiliarity(cosines_N: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """The out-of-distribution score of a question: its mean cosine distance to the nearest known questions, 0..2 (Sun
    et al., 2022, "Out-of-distribution detection with deep nearest neighbors"). ``cosines_N`` are those to each one;
    one neighbour says how near the same question in other words was known."""
    return 1.0 - float(np.sort(cosines_N)[-neighbours:].mean())


def answer_type(question: str) -> str:
    """One of number, human, location, abbreviation, description, entity."""
    for name, pattern in _TYPES:
        if pattern.search(question):
            return name
    return "entity"


def numbers(text: str) -> tuple[str, ...]:
    """Numbers as written, thousands separators removed, in order of appearance."""
    return tuple(match.replace(",", "") for match in NUMBER.findall(text))


def entities(text: str) -> tuple[str, ...]:
    """Capitalised names, without the word that opens the sentence unless more capitals follow it."""
    found = []
    for match in _ENTITY.finditer(text):
        opens = match.start() == 0 or text[: match.start()].rstrip()[-1:] in {".", "?", "!"}
        name = match.group()
        if opens:
            name = " ".join(name.split()[1:])
        if name:
            found.append(name)
    return tuple(dict.fromkeys(found))


def options(text: str) -> tuple[str, ...]:
    """What a question offers to choose from: "... (A) red (B) blue" gives red and blue. The letters must begin with A
    and follow each other; else there is nothing to choose."""
    marks = list(_OPTION.finditer(text))
    if len(marks) < 2 or not LETTERS.startswith("".join(mark.group(1) for mark in marks)):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = tuple(text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True))
    return found if all(found) else ()


def stem(text: str) -> str:
    """A question without the options that it offers."""
    return text[: next(_OPTION.finditer(text)).start()].rstrip() or text if options(text) else text


def with_options(text: str, choices: tuple[str, ...]) -> str:
    """The question with these options in place of its own."""
    first = next(_OPTION.finditer(text))
    listed = "\n".join(f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{text[: first.start()].rstrip()}\n{listed}"


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return [match.lower() for match in _WORD.findall(text)]


def _hashed(text: str, dim: int) -> np.ndarray:
    tokens = words(text)
    features = tokens + [f"{a} {b}" for a, b in itertools.pairwise(tokens)]
    for token in tokens:
        padded = f"^{token}$"
        features += [padded[i : i + 3] for i in range(len(padded) - 2)]
    vector = np.zeros(dim, dtype=np.float32)
    for feature in features or [text]:
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
        vector[(digest >> 1) % dim] += 1.0 if digest & 1 else -1.0
    norm = float(np.linalg.norm(vector))
    if norm == 0.0:  # every feature cancelled another
        vector[0], norm = 1.0, 1.0
    return vector / norm
