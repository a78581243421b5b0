"""Fitting weights of checks: none below zero, drawn to where they began; and where several sets say they should begin.

Axes: n rows, d columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alen.core.calibration import sigmoid
from alen.types import Check

RIDGE = 30.0
"""Chosen on the calibration articles by cross-validation: with a few hundred rows the checks overlap so much that less
lets their weights follow the noise (AUROC 0.76 with 3, 0.77 with 30)."""

SHARED_RIDGE = 10.0
"""For what several sets have in common. Chosen on development replies by leaving out one set at a time (log-loss on the
set left out 0.70 with 1 to 10, 0.72 with 30)."""


def usual_weights(
    sets: Sequence[tuple[Sequence[Sequence[Check]], np.ndarray]],
    names: Sequence[str],
    ridge: float = RIDGE,
    usual: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The weights that several sets of rows and labels have in common, by check: each check standardised within its
    set, each set with a bias of its own. What a set on which little was graded may start from (Gelman et al., 2013,
    "Bayesian data analysis", ch. 5: partial pooling). The ridge draws each weight to the ``usual`` one, or zero."""
    blocks = []
    for number, (rows, _) in enumerate(sets):
        own = {column.name: column.standard for column in columns(rows, names)}
        bias = np.zeros((len(rows), len(sets) - 1))
        bias[:, number - 1 : number] = 1.0  # none for the first, whose bias is that of all
        blocks.append(np.hstack([*(own.get(name, np.zeros(len(rows)))[:, None] for name in names), bias]))
    X, d, more = np.concatenate(blocks), len(names), len(sets) - 1
    free, penalty = np.arange(d + more) >= d, np.concatenate([np.full(d, ridge), np.zeros(more)])
    y = np.concatenate([right.astype(float) for _, right in sets])
    centre = np.array([*((usual or {}).get(name, 0.0) for name in names), *[0.0] * more])
    weights, _ = projected(X, y, free, penalty, centre)
    return {name: round(float(weight), 5) for name, weight in zip(names, weights, strict=False) if weight > 1e-6}


@dataclass(frozen=True)
class Column:
    """A check in all rows: ``standard`` values (0 where it does not apply), and where it was ``seen``."""

    name: str
    mean: float
    scale: float
    seen: np.ndarray
    standard: np.ndarray


def columns(rows: Sequence[Sequence[Check]], names: Sequence[str]) -> Iterator[Column]:
    """The checks that apply often enough, and vary."""
    table = [{check.name: check.value for check in row} for row in rows]
    for name in names:
        values = np.array([np.nan if row.get(name) is None else row[name] for row in table], dtype=float)
        seen = ~np.isnan(values)
        if seen.sum() < 10 or values[seen].std() < 1e-9:
            continue
        mean, scale = float(values[seen].mean()), float(values[seen].std())
        yield Column(name, mean, scale, seen, np.where(seen, (np.nan_to_num(values) - mean) / scale, 0.0))


def projected(
    X: np.ndarray, y: np.ndarray, free: np.ndarray, penalty: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, float]:
    """Weights, drawn to the ``centre`` by the ``penalty`` of each and at least 0 unless ``free``, and the bias."""
    n = len(X)
    p = float(np.clip(y.mean(), 1e-3, 1 - 1e-3))
    theta = np.concatenate([centre, [np.log(p / (1 - p))]])
    design = np.hstack([X, np.ones((n, 1))])
    penalty, centre = np.concatenate([penalty, [0.0]]), np.concatenate([centre, [0.0]])
    step = 1.0 / (0.25 * np.linalg.norm(design, 2) ** 2 + penalty.max(initial=0.0))
    bounded = np.concatenate([~free, [False]]).astype(bool)
    momentum, t = theta.copy(), 1.0
    for _ in range(3000):
        gradient = design.T @ (sigmoid(design @ momentum) - y) + penalty * (momentum - centre)
        moved = momentum - step * gradient
        moved[bounded] = np.maximum(moved[bounded], 0.0)
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        momentum = moved + (t - 1) / t_next * (moved - theta)
        done = np.abs(moved - theta).max() < 1e-8
        theta, t = moved, t_next
        if done:
            break
    return theta[:-1], float(theta[-1])
