"""The four pictures of a validation: reliability, risk against coverage, ROC, and probabilities of right and wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alen.validation.graded import Graded
from alen.validation.intervals import rate_estimate
from alen.validation.probability import BINS
from alen.validation.report.svg import Plot
from alen.validation.sample import Sample
from alen.validation.selective import risk_coverage

ROWS_A_BIN = 12
HISTOGRAM_BINS = 20
CURVE_POINTS = 200


def reliability(sample: Sample) -> str:
    """Bins of equal mass: upright lines are the Wilson intervals of the accuracy, level ones the mean interval (p0, p1)
    that the answers of the bin gave themselves."""
    order = np.argsort(sample.probability, kind="stable")
    parts = [part for part in np.array_split(order, max(2, min(BINS, len(sample) // ROWS_A_BIN))) if part.size]
    plot = Plot(
        "reliability",
        "Reliability diagram",
        f"Share of right answers against probability in {len(parts)} bins of equal mass. Perfect probabilities lie"
        " on the diagonal.",
        "probability that ALEN gave",
        "share that was right",
    )
    plot.segment((0, 0), (1, 1), "ideal")
    for part in parts:
        p, accuracy = float(sample.probability[part].mean()), rate_estimate(sample.right[part])
        low, high = np.mean([sample.rows[place].interval for place in part], axis=0)
        plot.segment((p, accuracy.low), (p, accuracy.high), "whisker")
        plot.segment((float(low), accuracy.value), (float(high), accuracy.value), "whisker")
        tip = f"{part.size} answers: probability {p:.2f}, right {accuracy.value:.2f}"
        plot.dot((p, accuracy.value), "point", tip)
    sizes = sorted({part.size for part in parts})
    plot.label((0.99, 0.03), f"{len(parts)} bins of {' or '.join(map(str, sizes))} answers", "end")
    return plot.svg()


def coverage(sample: Sample) -> str:
    """Risk against coverage, between the perfect ranking and none at all; the dot is what was answered."""
    found, risk = risk_coverage(sample.probability, sample.right)
    _, perfect = risk_coverage(sample.right, sample.right)
    base = float(1 - sample.right.mean())
    top = _ceiling(float(risk.max()))
    plot = Plot(
        "coverage",
        "Risk–coverage curve",
        f"Share of wrong answers when only the most probable are given. All given: {base:.0%} wrong.",
        "share of questions answered",
        "share of those that is wrong",
        top,
    )
    plot.line([(0, base), (1, base)], "chance")
    plot.line(_thinned(found, perfect), "ideal")
    plot.line(_thinned(found, risk), "ours")
    answered = sample.answered
    if answered.any():
        point = float(answered.mean()), float(1 - sample.right[answered].mean())
        plot.dot(point, "now", f"as it was: {point[0]:.0%} answered, {point[1]:.0%} of them wrong", 5)
    return plot.svg()


def roc(sample: Sample) -> str:
    """Right answers kept against wrong answers let through, over all thresholds."""
    plot = Plot(
        "roc",
        "ROC curve",
        "Share of right answers above a threshold against share of wrong answers above it. Guessing is the diagonal.",
        "wrong answers above the threshold",
        "right answers above it",
    )
    plot.segment((0, 0), (1, 1), "chance")
    right, wrong = sample.right.sum(), (1 - sample.right).sum()
    if right and wrong:
        thresholds = np.unique(sample.probability)[::-1]
        above = [sample.probability >= threshold for threshold in thresholds]
        xs = np.array([0.0, *(float((1 - sample.right[kept]).sum() / wrong) for kept in above)])
        ys = np.array([0.0, *(float(sample.right[kept].sum() / right) for kept in above)])
        plot.line(_thinned(xs, ys), "ours")
        given = sample.answered
        point = float((1 - sample.right[given]).sum() / wrong), float(sample.right[given].sum() / right)
        plot.dot(point, "now", f"answers given: {point[1]:.0%} of the right, {point[0]:.0%} of the wrong ones", 5)
    return plot.svg()


def histogram(sample: Sample) -> str:
    """How many answers of each probability were right and wrong, wrong ones on top."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    right, _ = np.histogram(sample.probability[sample.right == 1], edges)
    wrong, _ = np.histogram(sample.probability[sample.right == 0], edges)
    plot = Plot(
        "histogram",
        "Probabilities of right and wrong answers",
        "Number of best candidates by the probability they got, right and wrong ones stacked.",
        "probability that ALEN gave",
        "questions",
        _round_up(int((right + wrong).max())),
        percent_up=False,
    )
    for low, high, good, bad in zip(edges, edges[1:], right, wrong, strict=False):
        tip = f"{low:.2f} to {high:.2f}: {good} right, {bad} wrong"
        plot.bar((low, 0), (high, float(good)), "right", tip)
        plot.bar((low, float(good)), (high, float(good + bad)), "wrong", tip)
    return plot.svg()


def all_of(rows: Sequence[Graded]) -> dict[str, str]:
    """Every picture by name."""
    sample = Sample(rows)
    return {made.__name__: made(sample) for made in (reliability, coverage, roc, histogram)}


def _thinned(xs: np.ndarray, ys: np.ndarray) -> list[tuple[float, float]]:
    places = np.unique(np.linspace(0, len(xs) - 1, min(len(xs), CURVE_POINTS)).round().astype(int))
    return [(float(xs[place]), float(ys[place])) for place in places]


def _ceiling(share: float) -> float:
    return next(top for top in (0.2, 0.4, 0.6, 0.8, 1.0) if share <= top + 1e-9)


def _round_up(count: int) -> float:
    return float(next(top for top in _TOPS if count <= top))


_TOPS = [step * 10**power for power in range(9) for step in (4, 8, 12, 20, 40)]
