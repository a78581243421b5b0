"""How sure a measured number is: intervals that know which rows belong together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """NaN becomes null, because JSON has none."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: number if math.isfinite(number) else None for name, number in numbers.items()} | {"n": self.n}


NOT_APPLICABLE = Estimate(math.nan, math.nan, math.nan, 0)
"""Nothing to measure on: never a made-up zero."""


def rate_estimate(successes: ArrayLike, groups: Sequence[object] | None = None, *, level: float = LEVEL) -> Estimate:
    """Share of ones in ``successes`` with its score interval (Wilson, 1927), which holds near 0 and 1 too.

    With ``groups`` rows count for fewer than they are: their number is divided by the design effect of drawing whole
    groups (Kish, 1965), at least 1. Where all rows say the same no effect can be seen, and each group counts once."""
    y = np.asarray(successes, dtype=np.float64)
    if not y.size:
        return NOT_APPLICABLE
    share, n = float(y.mean()), _worth(y, groups)
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), y.size)


def bootstrap(
    metric: Callable[..., float],
    *columns: ArrayLike,
    groups: Sequence[object] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """``metric(*columns)`` with its percentile bootstrap interval (Efron, 1979).

    Columns are equally long and resampled together, so a metric that compares two of them gets a paired interval. With
    ``groups`` whole groups are drawn: questions about one passage are not independent. Draws in which the metric does
    not exist (NaN) are left out; NaN bounds when none exists."""
    arrays = [np.asarray(column) for column in columns]
    size = arrays[0].shape[0]
    if size == 0 or any(array.shape[0] != size for array in arrays) or (groups is not None and len(groups) != size):
        raise ValueError("columns and groups must be equally long and not empty")
    draw = _row_sampler(size, groups, np.random.default_rng(seed))
    found = np.array([metric(*(array[rows] for array in arrays)) for rows in (draw() for _ in range(draws))])
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]) if found.size else (math.nan, math.nan)
    return Estimate(float(metric(*arrays)), float(low), float(high), size)


def mean_estimate(values: ArrayLike, groups: Sequence[object] | None = None, **options: Any) -> Estimate:
    """Mean of ``values`` with its bootstrap interval."""
    return bootstrap(
        lambda column: float(np.mean(column)), np.asarray(values, dtype=np.float64), groups=groups, **options
    )


def ratio_of_medians(numerator: ArrayLike, denominator: ArrayLike, **options: Any) -> Estimate:
    """Median of the first over median of the second, both measured on the same rows."""
    return bootstrap(lambda a, b: float(np.median(a) / np.median(b)), numerator, denominator, **options)


def _row_sampler(
    size: int, groups: Sequence[object] | None, generator: np.random.Generator
) -> Callable[[], np.ndarray]:
    if groups is None:
        return lambda: generator.integers(0, size, size)
    members: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    rows = [np.array(group) for group in members.values()]
    return lambda: np.concatenate([rows[chosen] for chosen in generator.integers(0, len(rows), len(rows))])


def _worth(y: np.ndarray, groups: Sequence[object] | None) -> float:
    """How many independent rows these are worth."""
    if groups is None:
        return float(y.size)
    _, place = np.unique([str(group) for group in groups], return_inverse=True)
    sizes = np.bincount(place)
    share, count = float(y.mean()), len(sizes)
    if share in (0.0, 1.0) or count == 1:
        return float(count)
    apart = np.bincount(place, weights=y) - share * sizes
    variance = count / (count - 1) * float((apart**2).sum()) / y.size**2
    return y.size / max(1.0, variance / (share * (1 - share) / y.size))
