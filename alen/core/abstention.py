"""To answer or not: the decision, its reason in words, and thresholds with a certified error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from alen.core import contradiction
from alen.errors import BadInput
from alen.types import Candidate, Decision

LARGEST_SET = 3
"""Candidates that are shown together."""


class Certified(Protocol):
    """What was certified; a Belief is one."""

    @property
    def certificates(self) -> tuple[Certificate, ...]: ...
    @property
    def coverage(self) -> dict[float, float]: ...


@dataclass(frozen=True)
class Policy:
    """When to answer. ``threshold`` counts where no ``risk`` is set. With a risk an answer is given only where a
    certificate bounds the share of wrong answers by it, and none without a certificate. ``miss`` is the share of
    questions for which a set of candidates may fail to hold the right one."""

    threshold: float = 0.5
    risk: float | None = None
    miss: float = 0.2

    @classmethod
    def of_costs(cls, right: float, wrong: float, abstain: float) -> Policy:
        """Answer where that costs less on average than to abstain (Chow, 1970, "On optimum recognition error and reject
        tradeoff"). ``right`` is what a right answer gains, ``wrong`` and ``abstain`` what the others cost."""
        if not wrong > abstain or not right + wrong > 0:
            raise BadInput("wrong", f"{wrong:g}", f"more than abstain ({abstain:g})", "Else it never pays to abstain.")
        return cls(threshold=min(max((wrong - abstain) / (wrong + right), 0.0), 1.0))


def decide(
    candidates: Sequence[Candidate], policy: Policy, known: Certified, *, remembered: bool
) -> tuple[Decision, str]:
    """Decision and reason for candidates sorted by confidence. ``remembered``: memory brought anything at all."""
    if not candidates:
        if not remembered:
            return "abstain", "nothing stored: there is no passage or taught answer to go by"
        return "abstain", "no candidate: what I remember holds no answer of the form this asks for"
    best = candidates[0]
    threshold, why = threshold_in_force(policy, known)
    if threshold is None:
        return "abstain", why
    if best.confidence >= threshold:
        return "answer", f"{why}: {best.confidence:.2f} reaches the threshold {threshold:.2f}"
    among = _set(candidates, policy, known)
    if among:
        return "candidates", (
            f"one of these {among} holds the right answer in {100 * (1 - policy.miss):.0f} % of questions that have one"
            f" ({_short_of(best.confidence, threshold)})"
        )
    return "abstain", f"{_why(candidates)} ({_short_of(best.confidence, threshold)})"


def threshold_in_force(policy: Policy, known: Certified) -> tuple[float | None, str]:
    """The probability from which on an answer is given, None where none would be, and why it is this one."""
    if policy.risk is None:
        return policy.threshold, "confident"
    held = [found for found in known.certificates if found.alpha <= policy.risk and found.threshold is not None]
    if not held:
        return None, f"not certified: nothing bounds the share of wrong answers by {policy.risk:g}; alen calibrate may"
    # The one that was asked for, or the nearest that is stricter: a lower threshold of another promises something else.
    asked = max(held, key=lambda found: found.alpha)
    return asked.threshold, f"certified: at most {100 * asked.alpha:.0f} % of such answers are wrong"


def _short_of(confidence: float, threshold: float) -> str:
    """With as many digits as it takes to see it."""
    digits = 2 if round(confidence, 2) < round(threshold, 2) else 4
    return f"{confidence:.{digits}f} is below the threshold {threshold:.{digits}f}"


def _set(candidates: Sequence[Candidate], policy: Policy, known: Certified) -> int:
    """How many candidates belong to the set that holds the right one; 0 where there is no such set, where it is more
    than a person would look at, or where all of them together are still unlikely."""
    least = known.coverage.get(policy.miss)
    if not least:
        return 0
    inside = [candidate.confidence for candidate in candidates if candidate.confidence >= least]
    return len(inside) if 1 < len(inside) <= LARGEST_SET and sum(inside) >= policy.threshold else 0


def _why(candidates: Sequence[Candidate]) -> str:
    if any(check.name == contradiction.NAME and check.status == "fail" for check in candidates[0].checks):
        return "contradicted: what I remember gives different answers to this very question"
    if any(candidate.detail.get("uncalibrated") for candidate in candidates):
        return "not calibrated: nobody knows yet how often this model is right; run alen calibrate"
    # The best candidate's checks come first; a check it lacks is taken from the next that has it.
    values = {check.name: check for candidate in reversed(candidates) for check in candidate.checks}
    answerable = values.get("answerable")
    if answerable is not None and answerable.status == "fail":
        return "not stated: what I remember does not seem to answer this"
    for name, reason in (
        ("called_wrong", "called wrong: a person has said so of the best candidate"),
        ("names_in_passage", "not about this: the best passage lacks a name in the question"),
        ("numbers_in_passage", "not about this: the best passage lacks a number in the question"),
        ("names_agree", "not the same question: the nearest taught one speaks of another name"),
        ("symbolic", "refuted: the calculation does not come out the same twice"),
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
    Test", 2021). ``confidences``, ``labels`` float and {0, 1} (n,), not used to fit the probabilities, of answers that
    do not depend on each other (``fitting.one_of_each``)."""
    best = Certificate(alpha, delta, None, 0, 0)
    for threshold in np.arange(0.95, 0.04, -0.05):
        chosen = confidences >= threshold
        answered, wrong = int(chosen.sum()), int((1 - labels[chosen]).sum())
        if answered < fewest(alpha, delta):
            continue  # not yet a test: the sequence goes on
        if _binomial_tail(wrong, answered, alpha) > delta:
            break
        best = Certificate(alpha, delta, round(float(threshold), 2), answered, wrong)
    return best


def fewest(alpha: float, delta: float = 0.05) -> int:
    """How many answers it takes to certify ``alpha`` if not a single one of them is wrong."""
    return math.ceil(math.log(delta) / math.log1p(-alpha))


def cover(best_right: Sequence[float], miss: float) -> float:
    """The probability from which on a candidate belongs to the set: with ``best_right``, for each of n questions that
    have an answer the probability of the best right candidate (0 where none was), a new question's set fails to hold a
    right one with a chance of at most ``miss`` (split conformal prediction: Vovk, Gammerman and Shafer, 2005). The
    questions must not depend on each other. 0 where no set can promise that."""
    ordered = sorted(best_right)
    place = math.floor(miss * (len(ordered) + 1))
    return ordered[place - 1] if place >= 1 else 0.0


def _binomial_tail(at_most: int, n: int, p: float) -> float:
    """P(Binomial(n, p) <= at_most)."""
    known, k = _log_factorials(n), np.arange(at_most + 1)
    logs = known[n] - known[k] - known[n - k] + k * math.log(p) + (n - k) * math.log1p(-p)
    top = logs.max()
    return min(1.0, float(np.exp(top) * np.exp(logs - top).sum()))


@lru_cache(maxsize=4096)
def _log_factorials(n: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
