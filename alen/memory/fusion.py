"""How words, passage vectors and sentence vectors are weighed against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CANDIDATES = 50
"""Taken from each of the three rankings before they are fused."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A convex combination of min-max normalised scores (Bruch, Gai and Ingber, 2023, "An Analysis of Fusion
    Functions for Hybrid Retrieval")."""

    bm25: float
    dense: float
    sentence: float


WEIGHTS = Weights(bm25=0.40, dense=0.15, sentence=0.45)

SIGNALS = ("bm25", "dense", "sentence")


def fuse(signals: Mapping[str, Mapping[int, float]], weights: Weights = WEIGHTS) -> list[tuple[int, float]]:
    """Item and fused score in 0..1, best first, of every item that has any signal. A missing BM25 counts as 0, as no
    word matched; a whole signal that is missing, such as vectors without an encoder, gives its weight to the others."""
    items = sorted(set().union(*signals.values()))
    present = [name for name in SIGNALS if signals.get(name)]
    total = sum(getattr(weights, name) for name in present)
    fused = dict.fromkeys(items, 0.0)
    for name in present:
        scores = signals[name]
        low = 0.0 if name == "bm25" else min(scores.values())
        spread = max(scores.values()) - low
        for item in items:
            if item in scores:
                # One candidate, or all alike: the signal cannot tell them apart and speaks for all of them.
                part = (scores[item] - low) / spread if spread > 0 else 1.0
                fused[item] += getattr(weights, name) / total * part
    return sorted(fused.items(), key=lambda entry: (-entry[1], entry[0]))
