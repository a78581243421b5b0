"""To answer or not: the decision, its reason in words, and thresholds with a certified error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alen.types import Candidate, Decision


def decide(candidates: Sequence[Candidate], threshold: float, *, remembered: bool) -> tuple[Decision, str]:
    """Decision and reason for candidates sorted by confidence. ``remembered``: memory brought anything at all."""
    if not candidates:
        if not remembered:
            return "abstain", "nothing stored: there is no passage or taught answer to go by"
        return "abstain", "no candidate: what I remember holds no answer of the form this asks for"
    best = candidates[0]
    if best.confidence >= threshold:
        return "answer", f"confident: {best.confidence:.2f} reaches the threshold {threshold:.2f}"
    return "abstain", f"{_why(candidates)} ({best.confidence:.2f} is below the threshold {threshold:.2f})"


def _why(candidates: Sequence[Candidate]) -> str:
    if any(candidate.detail.get("uncalibrated") for candidate in candidates):
        return "not calibrated: nobody knows yet how often this model is right; run alen calibrate"
    # The best candidate's checks come first; a check it lacks is taken from the next that has it.
    values = {check.name: check for candidate in reversed(candidates) for check in candidate.checks}
    answerable = values.get("answerable")
    if answerable is not None and answerable.status == "fail":
        return "not stated: what I remember does not seem to answer this"
    for name, reason in (
        ("names_in_passage", "not about this: the best passage lacks a name in the question"),
        ("numbers_in_passage", "not about this: the best passage lacks a number in the question"),
        ("names_agree", "not the same question: the nearest taught one speaks of another name"),
        ("agreement", "disagreement: the operators propose different answers"),
    ):
        found = values.get(name)
        if found is not None and found.status == "fail":
            return reason
    return "too unsure: the checks do not support the best candidate enough"


@dataclass(frozen=True)
class Certificate:
    """With probability 1 - ``delta`` over the labelled sample, answers at or above ``threshold`` are wrong at most
    ``alpha`` of the time, if questions keep coming from where the sample came from. ``threshold`` None: no
    threshold could be certified."""

    alpha: float
    delta: float
    threshold: float | None
    answered: int
    wrong: int


def certify(confidences: np.ndarray, labels: np.ndarray, alpha: float, delta: float = 0.05) -> Certificate:
    """Fixed-sequence testing of falling thresholds with exact binomial tails (Angelopoulos et al., "Learn then
    Test", 2021). ``confidences``, ``labels`` float and {0, 1} (n,), not used to fit the probabilities."""
    best = Certificate(alpha, delta, None, 0, 0)
    for threshold in np.arange(0.95, 0.04, -0.05):
        chosen = confidences >= threshold
        answered, wrong = int(chosen.sum()), int((1 - labels[chosen]).sum())
        if answered < math.log(delta) / math.log(1 - alpha):
            continue  # too few to certify even without a single error: not yet a test, the sequence goes on
        if _binomial_tail(wrong, answered, alpha) > delta:
            break
        best = Certificate(alpha, delta, round(float(threshold), 2), answered, wrong)
    return best


def _binomial_tail(at_most: int, n: int, p: float) -> float:
    """P(Binomial(n, p) <= at_most)."""
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(at_most + 1)
    ]
    top = max(logs)
    return min(1.0, math.exp(top) * sum(math.exp(value - top) for value in logs))
