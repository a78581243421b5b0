"""What each check is worth, without asking anything again: alone, and when its share of the energy is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.core.belief import Belief
from alen.core.calibration import Calibrator
from alen.core.contradiction import shared
from alen.types import Check
from alen.validation.graded import Graded
from alen.validation.intervals import NOT_APPLICABLE, Estimate
from alen.validation.probability import CLIP, auroc
from alen.validation.sample import Sample


@dataclass(frozen=True, slots=True)
class CheckWorth:
    """One check over the best candidates. ``auroc`` is that of its value alone, where it applied. ``log_loss`` and
    ``ranking`` are what leaving its log-odds out costs: log-loss with less log-loss without it turned round, so that
    above zero the check helps; NaN without a belief to leave it out of."""

    name: str
    applied: int
    passed: int
    failed: int
    right_when_passed: Estimate
    right_when_failed: Estimate
    auroc: Estimate
    log_loss: Estimate
    ranking: float

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "applied": self.applied,
            "passed": self.passed,
            "failed": self.failed,
            "right_when_passed": self.right_when_passed.to_json(),
            "right_when_failed": self.right_when_failed.to_json(),
            "auroc": self.auroc.to_json(),
            "log_loss_saved": self.log_loss.to_json(),
            "auroc_added": self.ranking if math.isfinite(self.ranking) else None,
        }


def ablation(rows: Sequence[Graded], belief: Belief | None) -> list[CheckWorth]:
    """Every check of the best candidates, the one that matters most first. The candidates stay those that were chosen
    with all checks: only their probabilities change."""
    sample = Sample(rows)
    names = list(dict.fromkeys(check.name for row in rows for check in row.checks))
    found = [_worth(sample, name, belief) for name in names]
    return sorted(found, key=lambda worth: -_known(worth.log_loss.value, _known(worth.auroc.value, 0.5) - 1e3))


def _worth(sample: Sample, name: str, belief: Belief | None) -> CheckWorth:
    looks = [_look(row.checks, name) for row in sample.rows]
    values = np.array([math.nan if look is None or look.value is None else look.value for look in looks])
    status = np.array([look.status if look else "" for look in looks])
    passed, failed, valued = status == "pass", status == "fail", np.isfinite(values)
    log_loss, ranking = _left_out(sample, name, belief)
    return CheckWorth(
        name,
        int(valued.sum()),
        int(passed.sum()),
        int(failed.sum()),
        sample.rate(sample.right, passed),
        sample.rate(sample.right, failed),
        sample.measure(auroc, values, sample.right, among=valued),
        log_loss,
        ranking,
    )


def _left_out(sample: Sample, name: str, belief: Belief | None) -> tuple[Estimate, float]:
    """Log-loss that the check saves and AUROC that it adds, over the candidates whose family is known."""
    if belief is None:
        return NOT_APPLICABLE, math.nan
    known = sample.column(lambda row: row.family in belief.families).astype(bool)
    if not known.any():
        return NOT_APPLICABLE, math.nan
    whole, without = np.array([_probabilities(row, name, belief) for row in sample.rows]).T
    saved = _loss(without, sample.right) - _loss(whole, sample.right)
    gain = auroc(whole[known], sample.right[known]) - auroc(without[known], sample.right[known])
    return sample.measure(lambda column: float(column.mean()), saved, among=known), gain


def _probabilities(row: Graded, name: str, belief: Belief) -> tuple[float, float]:
    family = belief.families.get(row.family)
    if family is None:
        return 0.0, 0.0
    score = -family.energy.of(row.checks)
    less = score - family.energy.contributions(row.checks).get(name, 0.0)
    calibrator = family.calibrator or _PLAIN
    others = [check for check in row.checks if check.name != name]
    return shared(calibrator.probability(score), row.checks), shared(calibrator.probability(less), others)


def _loss(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = np.clip(p, CLIP, 1 - CLIP)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def _look(checks: Sequence[Check], name: str) -> Check | None:
    return next((check for check in checks if check.name == name), None)


def _known(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


_PLAIN = Calibrator(1.0, 0.0, (), ())
"""Log-odds as they are, for a family without a calibrator, as Belief weighs it."""
