"""The best candidates are read: does one sentence of them say what the question says, its rare words above all?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set

from alen.memory import lexical

DEPTH = 40
"""Candidates read, best first."""

WEIGHT = 0.20
"""Of the share of words against the fused score. Chosen with ``fusion.WEIGHTS``, on the same questions: the gold
passage is first / among five for 88.0 / 97.4 % instead of 86.8 / 97.4 %, and for 83.9 / 94.8 % instead of 82.0 / 94.6 %
on the two articles that no choice was made on. From 0.15 to 0.30 and from 10 to 50 candidates the figures differ by
less than 0.6. Two neighbouring sentences instead of one take 0.4 of the first away; all words alike cost 1.4 of it on
the two articles. BM25 without vectors gains as much: 83.6 / 96.2 becomes 84.3 / 96.3.
"""

_BETWEEN = "\0"

STEM = 6
"""Letters that stand for a word, so that endings do not matter."""


def shares(question: str, candidates: Sequence[Sequence[str]]) -> list[float]:
    """Of each candidate (its sentences) the largest share of the question's words that one sentence holds, 0..1. A
    word weighs its inverse document frequency among the candidates: what all of them say tells none apart."""
    wanted = {stem: _beginning(stem) for stem in _stems(question)}
    sentences = [_held(wanted, candidate) for candidate in candidates]
    count = len(candidates)
    held = [set().union(*parts) for parts in sentences]
    weight = {}
    for word in wanted:
        documents = sum(word in words for words in held)
        weight[word] = math.log1p((count - documents + 0.5) / (documents + 0.5))
    total = sum(weight.values())

    def share(words: Set[str]) -> float:
        return sum(weight[word] for word in words) / total if total else 0.0

    return [max(map(share, parts), default=0.0) for parts in sentences]


def rerank(
    fused: Sequence[tuple[int, float]], share_of: dict[int, float], weight: float = WEIGHT
) -> list[tuple[int, float]]:
    """Item and score in 0..1, best first. What was not read has no share and stays behind what was."""
    mixed = [(item, (1.0 - weight) * score + weight * share_of.get(item, 0.0)) for item, score in fused]
    return sorted(mixed, key=lambda entry: -entry[1])


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in lexical.terms(text, at_most=None)}


def _beginning(stem: str) -> re.Pattern[str]:
    """Finds the words that a stem stands for, a short one for itself alone."""
    return re.compile(rf"(?<![^\W_]){re.escape(stem)}" + ("" if len(stem) == STEM else r"(?![^\W_])"))


def _held(wanted: Mapping[str, re.Pattern[str]], sentences: Sequence[str]) -> list[set[str]]:
    """The stems of which each sentence holds a word. They are looked for instead of taking each
    sentence into words, since most stand nowhere in a candidate."""
    whole = _BETWEEN.join(sentences).casefold()
    near = [(stem, beginning) for stem, beginning in wanted.items() if stem in whole]
    return [
        {stem for stem, beginning in near if stem in sentence and beginning.search(sentence)}
        for sentence in whole.split(_BETWEEN)
    ]
