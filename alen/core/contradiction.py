"""Answers to one question that exclude each other: at most one is right, so they share the probability.

Alone, an answer has the odds o of being right. Knowing that at most one of several is right leaves it the probability
o / (1 + the odds of all), where the 1 stands for none of them: Bayes' rule for claims that were made apart from each
other. In log-odds an answer loses log(1 + the odds of its rivals), whatever it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from alen.core.calibration import EDGE
from alen.core.checks.looking import check
from alen.core.equivalence.comparing import THRESHOLD, clusters, compare
from alen.types import Check

NAME = "contradicted"

_EVEN = -math.log(2.0)
"""Below it a rival is more likely right than none, before this answer is looked at."""


def of_rivals(
    texts: Sequence[str],
    probabilities: Sequence[float],
    last_words: Sequence[bool],
    *,
    question: str,
    options: Sequence[str] = (),
) -> list[Check]:
    """For each answer the log-odds that its rivals cost it; none where no two ``last_words`` contradict each other.
    ``probabilities`` are those of the answers alone. Those that say the same count once, by the likeliest of them; one
    that says less than another ("1066", "14 October 1066") does not contradict it."""
    groups = clusters(texts, question=question, options=options)
    odds: dict[int, float] = {}
    for group, p in zip(groups, probabilities, strict=True):
        p = min(p, 1 - EDGE)
        odds[group] = max(odds.get(group, 0.0), p / (1 - p))
    said = {group: texts[groups.index(group)] for group in odds}
    rivals = {
        one: [
            other
            for other in odds
            if other != one
            and compare(said[one], said[other], question=question, options=options).probability < THRESHOLD
        ]
        for one in odds
    }
    final = {group for group, last in zip(groups, last_words, strict=True) if last}
    if not any(final.intersection(rivals[group]) for group in final):
        return []
    lost = {group: -math.log1p(sum(odds[rival] for rival in rivals[group])) for group in odds}
    return [check(NAME, lost[group], _EVEN) for group in groups]


def lost_by(checks: Sequence[Check]) -> float:
    """The log-odds that rivals cost an answer: 0 where nothing contradicts it."""
    return next((found.value for found in checks if found.name == NAME and found.value is not None), 0.0)


def shared(p: float, checks: Sequence[Check]) -> float:
    """What its rivals leave of the probability that an answer has alone. Rounded down, so that those of answers which
    exclude each other are never more than 1 together."""
    lost = lost_by(checks)
    if not lost:
        return p
    p = min(p, 1 - EDGE)
    kept = p * math.exp(lost)
    return math.floor(1e4 * kept / (1 - p + kept)) / 1e4
