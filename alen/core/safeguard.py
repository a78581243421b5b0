"""Whether a sum of many checks may be believed: not where the best single one is clearly better on questions of a kind
that neither was fitted on. Learned sums of signals often lose outside of where they were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from alen.core.calibration import Calibrator, log_losses
from alen.core.energy import Energy
from alen.types import Check

Checks = Sequence[Sequence[Check]]
Fit = Callable[[Checks, np.ndarray, Sequence[str]], Energy]

NEARLY_ALL = 0.95
"""Share of the rows to which a check must apply to be believed alone."""


@dataclass(frozen=True)
class Chosen:
    """``energy`` fitted on all rows, ``scores`` (n,) log-odds of each row by one that was fitted without its part;
    ``single`` names the check that it consists of, None for the sum of all; ``report`` has the log-losses."""

    energy: Energy
    scores: np.ndarray
    single: str | None
    report: dict[str, Any]


def choose(
    rows: Checks,
    labels: np.ndarray,
    parts: Sequence[str],
    names: Sequence[str],
    usual: Mapping[str, float] | None = None,
) -> Chosen:
    """Fit what the ``parts`` (data sets) have in common, and each check alone, leaving out one part at a time.
    ``usual`` as for ``Energy.fit``.

    A check is taken in place of the sum when it applies everywhere and its log-loss on the parts left out is lower by
    more than one standard error over the parts: of many checks one is always a little better by chance."""
    part_N = np.array(parts)
    whole = _chosen(partial(Energy.shared, names=names, usual=usual), rows, labels, part_N)
    loss_of_sum = _losses(whole.scores, labels, part_N)
    alone = {name: _chosen(_summing([name]), rows, labels, part_N) for name in names if _applies(rows, name)}
    losses = {name: _losses(chosen.scores, labels, part_N) for name, chosen in alone.items()}
    best = min(losses, key=lambda name: float(losses[name].mean()), default=None)
    report: dict[str, Any] = {"log_loss": round(float(loss_of_sum.mean()), 4)}
    if best is None:
        return replace(whole, report=report)
    report |= {"best_single": best, "log_loss_of_best_single": round(float(losses[best].mean()), 4)}
    if not _is_better(losses[best], loss_of_sum, part_N):
        return replace(whole, report=report)
    return replace(alone[best], single=best, report=report)


def summed(
    rows: Checks,
    labels: np.ndarray,
    parts: Sequence[str],
    names: Sequence[str],
    usual: Mapping[str, float] | None = None,
) -> Chosen:
    """The sum in any case: for rows of one kind, where ``parts`` are folds of question groups. On so few rows a single
    check wins by chance."""
    return _chosen(_summing(names, usual), rows, labels, np.array(parts))


def _summing(names: Sequence[str], usual: Mapping[str, float] | None = None) -> Fit:
    return lambda rows, labels, _: Energy.fit(rows, labels, names=names, usual=usual)


def _chosen(fit: Fit, rows: Checks, labels: np.ndarray, part_N: np.ndarray) -> Chosen:
    """Fitted on all rows; the scores of each part by an energy fitted on all other parts."""
    scores = np.zeros(len(rows))
    for part in np.unique(part_N):
        inside, outside = np.flatnonzero(part_N != part).tolist(), np.flatnonzero(part_N == part).tolist()
        if not inside or len(set(labels[inside].tolist())) < 2:
            continue
        energy = fit([rows[i] for i in inside], labels[inside], part_N[inside].tolist())
        scores[outside] = [-energy.of(rows[i]) for i in outside]
    return Chosen(fit(rows, labels, part_N.tolist()), scores, None, {})


def _losses(scores: np.ndarray, labels: np.ndarray, part_N: np.ndarray) -> np.ndarray:
    """Log-loss of each row, with the map to probabilities fitted on the other parts."""
    loss = np.zeros(len(scores))
    for part in np.unique(part_N):
        inside, outside = part_N != part, part_N == part
        fitted = Calibrator.platt(scores[inside], labels[inside]) if inside.any() else None
        p = np.full(outside.sum(), 0.5) if fitted is None else fitted.probabilities(scores[outside])
        loss[outside] = log_losses(p, labels[outside])
    return loss


def _is_better(ours: np.ndarray, theirs: np.ndarray, part_N: np.ndarray) -> bool:
    less = np.array([float((theirs - ours)[part_N == part].mean()) for part in np.unique(part_N)])
    return bool(less.mean() > less.std(ddof=1) / math.sqrt(len(less))) if len(less) > 1 else False


def _applies(rows: Checks, name: str) -> bool:
    """Whether a check applies to nearly all rows."""
    seen = sum(any(check.name == name and check.value is not None for check in row) for row in rows)
    return seen >= NEARLY_ALL * len(rows)
