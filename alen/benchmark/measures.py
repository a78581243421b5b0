"""From asked questions to the rows of the table, the curves and the tables by article and operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from alen.benchmark.asking import Asked, Run
from alen.benchmark.harness import spread
from alen.benchmark.schema import Measured, Row, Target, Unit
from alen.validation import metrics

CURVE_POINTS = 100


def rows(ours: Run, plain: Run | None) -> list[Row]:
    """Every measure, with the peer beside it where it has one. Intervals resample whole passages of questions."""

    def row(name: str, label: str, unit: Unit, measure: Callable[[Run], Measured], target: Target | None = None) -> Row:
        beside = measure(plain) if plain else None
        return Row(name=name, label=label, unit=unit, ours=measure(ours), plain=beside, target=target)

    def share(
        name: str,
        label: str,
        of: Callable[[Run], list[Asked]],
        value: Callable[[Asked], float],
        target: Target | None = None,
    ) -> Row:
        return row(name, label, "percent", lambda run: _share(of(run), value), target)

    def seconds(name: str, label: str, of: Callable[[Run], list[Asked]], quantile: float) -> Row:
        return row(name, label, "seconds", lambda run: _quantile(of(run), quantile))

    return [
        share("top1", "Gold passage first", _all, _within(1), _at_least(0.80)),
        share("top5", "Gold passage among five", _all, _within(5), _at_least(0.94)),
        share("evidence", "Gold passage shown first", _all, lambda a: a.reply.evidence == a.question.passage),
        share("f1", "F1, answerable", _answerable, lambda a: a.f1, _at_least(0.65)),
        share("exact", "Exact match, answerable", _answerable, lambda a: a.exact, _at_least(0.57)),
        *_probability_rows(ours),
        share("coverage", "Answers given", _all, lambda a: a.reply.answered),
        share("precision", "Right among answers given", _given, lambda a: a.right),
        share("declined_unanswerable", "Declined, unanswerable", _unanswerable, lambda a: not a.reply.answered),
        share("declined_answerable", "Declined, answerable", _answerable, lambda a: not a.reply.answered),
        seconds("seconds_median", "Time a question, median", _all, 0.5),
        seconds("seconds_p90", "Time a question, 90th percentile", _all, 0.9),
        *([_time_ratio(ours, plain)] if plain else []),
        row("encode_rate", "Passages encoded", "per second", lambda run: _rate(run.encode_rates)),
        *([_encode_ratio(ours, plain)] if plain else []),
        row("teach_seconds", "Teaching everything", "seconds", lambda run: Measured(value=run.teach_seconds, n=1)),
    ]


def curves(ours: Run) -> dict[str, list[dict[str, float]]]:
    """Reliability bins, and risk against coverage at ``CURVE_POINTS`` coverages."""
    p, y = _probabilities(ours)
    coverage, risk = metrics.risk_coverage(p, y)
    places = np.unique(np.linspace(0, coverage.size - 1, CURVE_POINTS).round().astype(int))
    return {
        "reliability": [
            {name: round(float(value), 6) for name, value in part.to_json().items()}
            for part in metrics.reliability_bins(p, y)
        ],
        "risk_coverage": [{"coverage": round(float(coverage[i]), 6), "risk": round(float(risk[i]), 6)} for i in places],
    }


def tables(ours: Run, plain: Run | None) -> dict[str, list[dict[str, Any]]]:
    """By article, by operator, by decision and reason, and the spread of times by stage."""
    return {
        "articles": [_article(name, part) for name, part in _grouped(ours.asked, lambda a: a.question.article)],
        "operators": [_right_share(name, part) for name, part in _grouped(ours.asked, _operator_names)],
        "decisions": [_right_share(name, part) for name, part in _grouped(ours.asked, _decision)],
        "timings_ms": [
            {"stage": stage, **spread([a.reply.timings_ms[stage] for a in ours.asked if stage in a.reply.timings_ms])}
            for stage in sorted({stage for a in ours.asked for stage in a.reply.timings_ms})
        ],
        "seconds": [
            {"participant": run.name, **spread([a.seconds for a in run.asked])} for run in (ours, plain) if run
        ],
    }


def _probability_rows(ours: Run) -> list[Row]:
    p, y = _probabilities(ours)
    groups = np.array([a.question.passage for a in ours.asked])
    unanswerable = np.array([a.question.unanswerable for a in ours.asked])
    every = np.ones(len(p), dtype=bool)
    floor_mean, floor_high = metrics.ece_noise_floor(p)

    def row(
        name: str,
        label: str,
        metric: Callable[..., float],
        target: Target | None,
        labels: np.ndarray = y,
        of: np.ndarray = every,
    ) -> Row:
        found = Measured.of(metrics.bootstrap(metric, p[of], labels[of], groups=groups[of].tolist()))
        return Row(name=name, label=label, unit="number", ours=found, target=target)

    return [
        row("auroc", "AUROC of the probability", metrics.auroc, _at_least(0.80, moonshot=0.85)),
        row("ece", "Calibration error (ECE, 15 bins)", metrics.ece, Target(relation="at most", value=0.07)),
        Row(
            name="ece_floor",
            label="ECE of perfect probabilities at this n",
            unit="number",
            ours=Measured(value=floor_mean, high=floor_high, n=len(p)),
        ),
        row(
            "log_loss_gain",
            "Log-loss gain over the base rate",
            metrics.log_loss_gain,
            Target(relation="above", value=0.0, bound="low"),
        ),
        row("log_loss", "Log-loss", metrics.log_loss, None),
        row("brier", "Brier score", metrics.brier, None),
        row("aurc", "Area under risk-coverage", metrics.aurc, None),
        row("rejection_ratio", "Rejection ratio (PRR)", metrics.rejection_ratio, None),
        row("auroc_unanswerable", "AUROC, answerable or not", metrics.auroc, None, (~unanswerable).astype(float)),
        row(
            "auroc_right",
            "AUROC, right or unanswerable",
            metrics.auroc,
            _at_least(0.80),
            of=unanswerable | (y > 0),
        ),
    ]


def _time_ratio(ours: Run, plain: Run) -> Row:
    """Medians over the questions that both were asked."""
    seconds = {a.question.id: a.seconds for a in ours.asked}
    pairs = [(seconds[a.question.id], a.seconds) for a in plain.asked]
    found = metrics.ratio_of_medians(*np.array(pairs).T)
    target = Target(relation="at most", value=0.4)
    return Row(name="time_ratio", label="Median time, to plain", unit="times", ours=Measured.of(found), target=target)


def _encode_ratio(ours: Run, plain: Run) -> Row:
    """Median over rounds; low and high are the extremes of the rounds."""
    ratios = np.array(ours.encode_rates) / np.array(plain.encode_rates)
    found = Measured(value=float(np.median(ratios)), low=ratios.min(), high=ratios.max(), n=len(ratios))
    return Row(name="encode_ratio", label="Encoding rate, to plain", unit="times", ours=found, target=_at_least(3.0))


def _probabilities(run: Run) -> tuple[np.ndarray, np.ndarray]:
    return np.array([a.reply.confidence or 0.0 for a in run.asked]), np.array([float(a.right) for a in run.asked])


def _share(asked: Sequence[Asked], value: Callable[[Asked], float]) -> Measured:
    if not asked:
        return Measured(value=None, n=0)
    values = [float(value(a)) for a in asked]
    return Measured.of(metrics.mean_estimate(values, groups=[a.question.passage for a in asked]))


def _quantile(asked: Sequence[Asked], share: float) -> Measured:
    if not asked:
        return Measured(value=None, n=0)
    seconds = [a.seconds for a in asked]
    return Measured.of(metrics.bootstrap(lambda column: float(np.quantile(column, share)), seconds))


def _rate(rates: Sequence[float]) -> Measured:
    """Median over rounds; low and high are the extremes of the rounds."""
    return Measured(value=float(np.median(rates)), low=min(rates), high=max(rates), n=len(rates))


def _at_least(value: float, moonshot: float | None = None) -> Target:
    return Target(relation="at least", value=value, moonshot=moonshot)


def _within(count: int) -> Callable[[Asked], float]:
    return lambda a: float(a.rank is not None and a.rank < count)


def _all(run: Run) -> list[Asked]:
    return run.asked


def _answerable(run: Run) -> list[Asked]:
    return [a for a in run.asked if not a.question.unanswerable]


def _unanswerable(run: Run) -> list[Asked]:
    return [a for a in run.asked if a.question.unanswerable]


def _given(run: Run) -> list[Asked]:
    return [a for a in run.asked if a.reply.answered]


def _operator_names(asked: Asked) -> str:
    return " + ".join(asked.reply.operators) or "none"


def _decision(asked: Asked) -> str:
    if asked.reply.answered:
        return asked.reply.decision
    return f"{asked.reply.decision}: {asked.reply.reason.partition(':')[0]}"


def _grouped(asked: Iterable[Asked], key: Callable[[Asked], str]) -> list[tuple[str, list[Asked]]]:
    asked = list(asked)
    counts = Counter(map(key, asked))
    return [(name, [a for a in asked if key(a) == name]) for name, _ in counts.most_common()]


def _right_share(name: str, part: Sequence[Asked]) -> dict[str, Any]:
    return {"name": name, "n": len(part), "right": round(float(np.mean([a.right for a in part])), 4)}


def _article(name: str, part: Sequence[Asked]) -> dict[str, Any]:
    run = Run(name, list(part))
    p, y = _probabilities(run)
    numbers: dict[str, float] = {
        "top1": float(np.mean([a.rank == 0 for a in part])),
        "top5": float(np.mean([a.rank is not None for a in part])),
        "f1": float(np.mean([a.f1 for a in _answerable(run)] or [np.nan])),
        "exact": float(np.mean([a.exact for a in _answerable(run)] or [np.nan])),
        "auroc": metrics.auroc(p, y),
        "ece": metrics.ece(p, y),
        "log_loss_gain": metrics.log_loss_gain(p, y),
    }
    rounded = {key: round(number, 4) if np.isfinite(number) else None for key, number in numbers.items()}
    return {"article": name, "n": len(part), "unanswerable": len(_unanswerable(run)), **rounded}
