"""Learning from each graded answer, on a copy: what is in service changes only when an epoch ends.

Between two epochs everything that was certified stays what it was certified for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alen.core.calibration import Calibrator, log_losses
from alen.core.energy import Energy
from alen.types import Check

EPOCH = 100
"""Graded answers of one family after which its copy may go into service."""

FEWEST = 10
"""Right ones, and wrong ones, among them."""

RATE = 0.05
"""Of a step: a hundred surprises of one kind move a weight by a few units at most."""


@dataclass(frozen=True)
class Graded:
    """One graded answer as it was before the copy learned from it: the copy's log-odds, the probability that was said,
    and whether it was right."""

    score: float
    said: float
    right: int


@dataclass(frozen=True)
class Shadow:
    """The copy of a family's energy, and the answers that it has learned from since the last epoch."""

    energy: Energy
    window: tuple[Graded, ...] = ()

    def learned(self, checks: Sequence[Check], said: float, right: bool) -> Shadow:
        """One step of logistic regression, with weights that stay at least zero."""
        score = -self.energy.of(checks)
        surprise = float(right) - 1.0 / (1.0 + math.exp(-min(max(score, -40.0), 40.0)))
        values = {check.name: check.value for check in checks}
        terms = []
        for term in self.energy.terms:
            value = values.get(term.name)
            if value is None:
                terms.append(replace(term, missing=term.missing + RATE * surprise if term.missing else 0.0))
            else:
                moved = term.weight + RATE * surprise * (value - term.mean) / term.scale
                terms.append(replace(term, weight=max(moved, 0.0)))
        energy = Energy(self.energy.bias + RATE * surprise, tuple(terms))
        return Shadow(energy, (*self.window, Graded(score, said, int(right))))

    def epoch(self) -> tuple[Energy, Calibrator] | None:
        """The energy and the map that may go into service now; None before the epoch is over, and when the copy would
        have been no better than what was said. Its map is fitted to what it thought of answers before it learned from
        them, so that no answer speaks for itself."""
        right = sum(graded.right for graded in self.window)
        if len(self.window) < EPOCH or min(right, len(self.window) - right) < FEWEST:
            return None
        half = len(self.window) // 2
        scores = np.array([graded.score for graded in self.window])
        labels = np.array([graded.right for graded in self.window])
        # The map that is compared was fitted to the earlier half alone.
        early = Calibrator.platt(scores[:half], labels[:half])
        ours = log_losses(early.probabilities(scores[half:]), labels[half:])
        theirs = log_losses(np.array([graded.said for graded in self.window[half:]]), labels[half:])
        return (self.energy, Calibrator.fit(scores, labels)) if ours.mean() <= theirs.mean() else None

    def to_json(self) -> dict[str, Any]:
        return {
            "energy": self.energy.to_json(),
            "window": [[round(graded.score, 4), round(graded.said, 4), graded.right] for graded in self.window],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Shadow:
        return cls(Energy.from_json(data["energy"]), tuple(Graded(*entry) for entry in data["window"]))
