"""A second opinion on first-person claims: a small linear model that shares nothing with what enforces safe speech.

It learns from sentences what ``alen.core.first_person`` was told by rules, so the two fail on different texts, and the
rate that is reported is not the rules' own opinion of themselves. Logistic regression over hashed words, pairs of words
and letters around the first person (feature hashing: Weinberger et al., 2009)."""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("first_person_scorer.safetensors")
"""Made by ``benchmarks/fit_first_person_scorer.py``; its metadata say from what."""
BUCKETS = 1 << 17
SILENT = -3.5
"""Log-odds for a sentence without first person: one in four claims among those it was trained on ("Love you!"), one in
a hundred at most elsewhere."""
REACH = 7
"""Words after "I" that are paired with it."""

_BETWEEN = re.compile(r'"[^"\n]{1,600}(?:"|$)|“[^”]{1,600}”|«[^»]{1,600}»')
_TOLD = re.compile(
    r"\b(?:said|says|wrote|repl(?:ied|ies)|answer(?:s|ed)|shouted|told \w+|cried|asked|"
    r"sang)\b[^.:!?\n]{0,40}:\s[^.!?\n]*"
)
_BREAK = re.compile(r"(?<=[.!?])[\"'*)]*\s+|\n+|[;:]\s+|,? but (?=I\b|I'|my\b)|\s[–—-]+\s|, (?=I\b|I')")
_PIECE = re.compile(r"[^\W\d_]+|[0-9]+|[.,:!?*\"]")
_LONG = (
    ("'m", " am"),
    ("n't", " not"),
    ("'ve", " have"),
    ("'ll", " will"),
    ("'d", " would"),
    ("'re", " are"),
    ("cannot", "can not"),
)
_ONESELF = {"i", "im", "ive", "me", "my", "mine", "myself", "we", "us", "our"}
_NEGATIVE = {"not", "no", "never", "nor", "neither", "without", "lack"}


class FirstPersonScorer:
    """Probability that a text claims, in its own voice, a mind, a body or a life."""

    def __init__(self, weights: np.ndarray, bias: float, threshold: float, vocabulary: frozenset[str]) -> None:
        self.weights = np.asarray(weights, dtype=np.float32)
        self.vocabulary = vocabulary
        self.bias = float(bias)
        self.threshold = float(threshold)
        """Probability from which a text counts as a claim, chosen on sentences that trained nothing."""

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> FirstPersonScorer:
        """The scorer that ships with ALEN. Raises FileNotFoundError."""
        from safetensors import safe_open

        with safe_open(str(path), framework="numpy") as file:
            about = json.loads(file.metadata()["about"])
            words = bytes(file.get_tensor("vocabulary")).decode().split()
            return cls(file.get_tensor("weights"), about["bias"], about["threshold"], frozenset(words))

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """float64 (n,): of each text the highest probability among its sentences; 0 for a text without words."""
        return np.array([max((self._of_sentence(part) for part in parts(text)), default=0.0) for text in texts])

    def claims(self, texts: Sequence[str]) -> np.ndarray:
        """bool (n,): whether each text is over the threshold."""
        return self.score(texts) >= self.threshold

    def _of_sentence(self, sentence: str) -> float:
        found = features(sentence, self.vocabulary)
        prior = 0.0 if _ONESELF.intersection(words_of(sentence)) else SILENT
        return float(1.0 / (1.0 + np.exp(-(self.weights[found].sum() + self.bias + prior)))) if found.size else 0.0


def parts(text: str) -> list[str]:
    """Sentences, what others say between quotation marks left out unless the text is nothing else."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    plain = unicodedata.normalize("NFD", plain.replace("İ", "I"))
    plain = "".join(character for character in plain if unicodedata.category(character) not in {"Cf", "Mn"})
    outside = _BETWEEN.sub(' "" ', plain)
    outside = _TOLD.sub(" told ", outside)
    if len(re.findall(r"[A-Za-z]{2,}", outside)) < 2:
        outside = plain
    return [part.strip() for part in _BREAK.split(outside) if re.search(r"\w", part)]


def features(sentence: str, vocabulary: frozenset[str]) -> np.ndarray:
    """Distinct hash buckets of one sentence, int64, sorted. Words outside the vocabulary are one word to the model,
    known by their letters alone: what follows "I" and was never seen is more often a life than a program's work."""
    names = _names(sentence, vocabulary)
    return np.unique(np.fromiter((zlib.crc32(name.encode()) % BUCKETS for name in names), dtype=np.int64))


def words_of(sentence: str) -> list[str]:
    """Words, numbers and marks in small letters, contractions written out."""
    lowered = sentence.replace("i.e.", "that is").lower()
    for short, long in _LONG:
        lowered = lowered.replace(short, long)
    return _PIECE.findall(lowered)


def _names(sentence: str, vocabulary: frozenset[str]) -> Iterator[str]:
    spelled = words_of(sentence)
    words = [word if word in vocabulary or not word.isalpha() or word in _ONESELF else "unk" for word in spelled]
    # A Roman numeral follows a name: the shape of the word before "I" tells.
    shapes = _PIECE.findall(re.sub(r"[A-Z]", "z", re.sub(r"[a-z]", "q", sentence)).replace("'", ""))
    own = [place for place, word in enumerate(words) if word in _ONESELF]
    speaks = "1" if own else "0"
    yield f"speaks {speaks}"
    yield f"starts {speaks} {' '.join(words[:1])}"
    yield f"starts {speaks} {' '.join(words[:2])}"
    if not own:
        # Without a first person only a beginning such as "Love you" can claim; the rest is somebody else's story.
        yield f"starts {speaks} {' '.join(words[:3])}"
        return
    for place in own:
        yield from _around(words, place)
        yield from _letters(spelled, place)
    if len(shapes) == len(words):
        for place in own:
            yield f"shape {words[place]} {shapes[place - 1][:1] if place else '^'} {'start' if place < 2 else 'later'}"


def _around(words: Sequence[str], place: int) -> Iterator[str]:
    """The words after and before one first person, with whether a denial stands between."""
    me, denied = words[place], ""
    after = words[place + 1 : place + 1 + REACH]
    before = words[max(0, place - 4) : place]
    for length in (1, 2, 3, 4):
        yield f"then {me} {' '.join(after[:length])}"
    yield f"ago {' '.join(before[-2:])} {me}"
    yield f"ago {' '.join(before[-1:])} {me}"
    for distance, word in enumerate(after):
        denied = "not" if word in _NEGATIVE else denied
        yield f"near {me} {denied} {word}"
        if word in _NEGATIVE:
            yield f"denied {' '.join(after[distance : distance + 2])}"
            yield f"denied {' '.join(after[distance : distance + 3])}"
            yield f"helped {' '.join(after[max(0, distance - 1) : distance + 2])}"
    for word in before:
        yield f"past {me} {word}"


def _letters(words: Sequence[str], place: int) -> Iterator[str]:
    """Endings and groups of letters of the words after one first person, known or not."""
    denied = ""
    for distance, word in enumerate(words[place + 1 : place + 1 + REACH]):
        denied = "not" if word in _NEGATIVE else denied
        yield f"ending {words[place]} {denied} {word[-3:]} {min(distance, 2)}"
        for start in range(max(1, len(word) - 3)):
            yield f"letters {denied} {word[start : start + 4]}"
