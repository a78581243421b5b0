"""Which of ALEN's own answers may be committed to memory, so that of what is committed only a stated share is wrong.

Jin and Candès (2023), "Selection by prediction with conformal p-values".
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """``chosen`` are places in the scores that were given; ``epsilon`` bounds the expected share of wrong ones among
    them, if they come from where the graded answers came from. ``graded`` says how many those were."""

    chosen: tuple[int, ...]
    epsilon: float
    graded: int


def select(scores: Sequence[float], wrong: Sequence[float], graded: int, epsilon: float) -> Selection:
    """Which answers to commit. ``scores`` are their probabilities, ``wrong`` those of the graded answers that were
    wrong, ``graded`` is the number of all graded answers; none of them was used to fit the probabilities, and what was
    left out of the one for its score was left out of the others.

    An answer's p-value is how many wrong graded answers were as sure as it; of these Benjamini and Hochberg (1995)
    keep as many as the bound allows."""
    ordered = sorted(wrong)
    p_of = [(1 + len(ordered) - bisect_left(ordered, score)) / (1 + graded) for score in scores]
    ranked = sorted(range(len(scores)), key=lambda place: p_of[place])
    kept = 0
    for rank, place in enumerate(ranked, 1):
        if p_of[place] <= epsilon * rank / len(scores):
            kept = rank
    return Selection(tuple(sorted(ranked[:kept])), epsilon, graded)


def contamination_bound(wrong: int, audited: int, delta: float = 0.05) -> float:
    """The highest share of wrong ones that an audit of randomly chosen commits still allows: the upper end of the
    one-sided interval of Clopper and Pearson (1934), 1 for no audit."""
    if audited <= 0 or wrong >= audited:
        return 1.0
    low, high = wrong / audited, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.comb(audited, k) * middle**k * (1 - middle) ** (audited - k) for k in range(wrong + 1))
        low, high = (middle, high) if tail > delta else (low, middle)
    return high
