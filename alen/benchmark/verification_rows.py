"""The targets of the comparison, each measured once: over the sets that are admitted, every set counting alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from alen.benchmark.comparison import Metric, Scored, best_average, difference, macro, macro_draws
from alen.benchmark.resplits import gate
from alen.benchmark.schema import Measured, Row, Target, Unit
from alen.benchmark.set_scores import ALEN, APART, GREEDY, SetScores
from alen.validation import metrics
from alen.validation.intervals import DRAWS, Estimate

RISK = 0.1
BASE = "base rate"


def rows(sets: Sequence[SetScores], new: Sequence[Mapping[str, np.ndarray]]) -> list[Row]:
    """``new`` by set the probabilities that were fitted on all others."""
    return [*_ranking(sets), *_calibration(sets), *_on_new_sets(sets, new), *_certified(sets)]


def shared_rivals(sets: Sequence[SetScores]) -> list[str]:
    """Estimators that say something of every set."""
    return [name for name in sets[0].rivals if all(name in each.columns for each in sets)]


def best_rival(sets: Sequence[SetScores], metric: Metric, *, calibrated: bool = False) -> str:
    return best_average(views(sets, calibrated=calibrated), shared_rivals(sets), metric)


def views(sets: Sequence[SetScores], *, calibrated: bool = False) -> list[Scored]:
    """Sets as the comparison takes them: scores, or probabilities and the base rate beside them."""
    found = []
    for each in sets:
        columns = {name: column.p if calibrated else column.scores for name, column in each.columns.items()}
        columns[BASE] = np.full(len(each.right), each.right.mean())
        found.append(Scored(each.right, each.groups, columns, None if calibrated else each.turns))
    return found


def _ranking(sets: Sequence[SetScores]) -> list[Row]:
    known, names = views(sets), shared_rivals(sets)
    best = best_average(known, names)
    cocoa = best_average(known, [name for name in names if "cocoa" in name.lower()], metrics.rejection_ratio)
    least_excess = best_average(known, names, _minus(metrics.excess_aurc))
    auroc = partial(difference, metrics.auroc, draws=DRAWS)
    excess = _relative(metrics.excess_aurc, known, least_excess)
    return [
        _row("macro_auroc", f"AUROC, mean of {len(sets)} sets", macro(metrics.auroc, known, ALEN, draws=DRAWS)),
        _row(
            "gain", f"AUROC above {best}, the best on average", auroc(known, ALEN, best).estimate, _at_least(0.05, 0.1)
        ),
        _row(
            "gain_oracle",
            "AUROC above each set's best",
            auroc(_with_oracle(known, names), ALEN, "oracle").estimate,
            Target(relation="above", value=0.0),
        ),
        _row(
            "prr_gain",
            f"Rejection ratio above {cocoa}",
            difference(metrics.rejection_ratio, known, ALEN, cocoa, draws=DRAWS).estimate,
            _at_least(0.08, 0.15),
        ),
        _row("excess_aurc", f"Excess AURC, to {least_excess}", excess, _at_most(0.8, 0.6), "times"),
        _row(
            "greedy_alone",
            f"AUROC from the likely reply alone, above {best}",
            auroc(known, GREEDY, best).estimate,
            _at_least(0.0),
        ),
        _row("tokens_alone", "Tokens of the likely reply alone, of all", _tokens(sets), _at_most(0.4, 0.2), "percent"),
        _row("apart", f"AUROC when no other set is known, above {best}", auroc(known, APART, best).estimate),
    ]


def _calibration(sets: Sequence[SetScores]) -> list[Row]:
    p, right = (np.concatenate(column) for column in ([s.columns[ALEN].p for s in sets], [s.right for s in sets]))
    groups = [group for each in sets for group in each.groups]
    known = views(sets, calibrated=True)
    best = best_average(known, shared_rivals(sets), _minus(metrics.log_loss))
    mean, high = metrics.ece_noise_floor(p)
    below = partial(difference, metrics.log_loss, known, draws=DRAWS)
    return [
        _row("ece", "ECE, all sets together", metrics.bootstrap(metrics.ece, p, right, groups=groups), _at_most(0.036)),
        _row("ece_floor", "ECE of perfect probabilities at this n", Estimate(mean, math.nan, high, len(p))),
        _row("ece_debiased", "ECE less what chance adds", _value(metrics.debiased_ece(p, right), p), _at_most(0.01)),
        _row("log_loss_base", "Log-loss below the base rates'", below(BASE, ALEN).estimate, _above_zero()),
        _row("log_loss_rival", f"Log-loss below that of {best}", below(best, ALEN).estimate, _above_zero()),
    ]


def _on_new_sets(sets: Sequence[SetScores], new: Sequence[Mapping[str, np.ndarray]]) -> list[Row]:
    names = [name for name in new[0] if name != ALEN and all(name in each for each in new)]
    known = [
        Scored(each.right, each.groups, {**told, BASE: np.full(len(each.right), each.right.mean())})
        for each, told in zip(sets, new, strict=True)
    ]
    ranks, loses = best_average(known, names), best_average(known, names, _minus(metrics.log_loss))
    below = partial(difference, metrics.log_loss, known, draws=DRAWS)
    return [
        _row("ece_new", "New set: ECE, mean", macro(metrics.ece, known, ALEN, draws=DRAWS), _at_most(0.08, 0.05)),
        _row("auroc_new", "New set: AUROC, mean", macro(metrics.auroc, known, ALEN, draws=DRAWS)),
        _row(
            "gain_new",
            f"New set: AUROC above {ranks}",
            difference(metrics.auroc, known, ALEN, ranks, draws=DRAWS).estimate,
        ),
        _row("log_loss_new", f"New set: log-loss below {loses}'s", below(loses, ALEN).estimate, _above_zero()),
        _row("log_loss_new_base", "New set: log-loss below its own base rate's", below(BASE, ALEN).estimate),
    ]


def _certified(sets: Sequence[SetScores]) -> list[Row]:
    """Of sets whose tested questions come from where the certificate does."""
    sets = [each for each in sets if not each.unseen]
    known = [
        Scored(each.right, each.groups, {name: column.answered[RISK] for name, column in each.columns.items()})
        for each in sets
    ]
    best = best_average(known, shared_rivals(sets), _coverage)
    gates = [gate(each.columns[ALEN].p, each.right, each.groups, RISK) for each in sets]
    worst = max(gates, key=lambda found: found.share)
    coverage = macro(_coverage, known, ALEN, draws=DRAWS)
    gain = difference(_coverage, known, ALEN, best, draws=DRAWS).estimate
    broken = Estimate(worst.share, math.nan, math.nan, worst.resplits)
    return [
        _row("coverage", f"Answered at a certified {RISK:.0%} of errors", coverage, None, "percent"),
        _row("coverage_gain", f"The same above {best}", gain, _at_least(0.15), "percent"),
        _row("coverage_ratio", f"The same, to {best}", _relative(_coverage, known, best), _at_least(1.5, 2.0), "times"),
        _row("gate", "Certificates broken, worst set", broken, _at_most(round(worst.allowed, 4)), "percent"),
    ]


def _coverage(answered: ArrayLike, right: ArrayLike) -> float:
    return float(np.mean(np.asarray(answered, dtype=float)))


def _with_oracle(known: Sequence[Scored], names: Sequence[str]) -> list[Scored]:
    """And the estimator that is best on each set, as if one could know."""
    best = [max(names, key=lambda name: one.measured(metrics.auroc, name)) for one in known]
    return [
        replace(one, scores={**one.scores, "oracle": one.scores[name]}) for one, name in zip(known, best, strict=True)
    ]


def _relative(metric: Metric, known: Sequence[Scored], rival: str) -> Estimate:
    """Ratio of the means over sets, its interval from the same draws for both; none where the rival's is zero."""
    drawn = macro_draws(metric, known, (ALEN, rival), draws=DRAWS)
    ours, theirs = (np.mean([one.measured(metric, name) for one in known]) for name in (ALEN, rival))
    count, divides = sum(len(one.right) for one in known), drawn[rival] > 0
    if theirs <= 0 or not divides.any():
        return Estimate(math.nan, math.nan, math.nan, count)
    low, high = np.nanquantile(drawn[ALEN][divides] / drawn[rival][divides], [0.025, 0.975])
    return Estimate(float(ours / theirs), float(low), float(high), count)


def tokens_of(one: SetScores) -> dict[str, float]:
    """Mean tokens that the model read and wrote for a question, by what they were for."""
    told = [line["tokens"] for line in one.looked.lines]
    purposes = dict.fromkeys(purpose for row in told for purpose in row)
    return {purpose: float(np.mean([row.get(purpose, 0) for row in told])) for purpose in purposes}


def share_of_likely(tokens: Mapping[str, float]) -> float:
    """What the likely reply alone costs, of everything that the estimators ask for."""
    return (tokens.get("read", 0.0) + tokens.get("greedy", 0.0)) / sum(tokens.values())


def _tokens(sets: Sequence[SetScores]) -> Estimate:
    shares = [share_of_likely(tokens_of(one)) for one in sets]
    return Estimate(float(np.mean(shares)), math.nan, math.nan, sum(len(one.right) for one in sets))


def _value(value: float, rows: np.ndarray) -> Estimate:
    return Estimate(value, math.nan, math.nan, len(rows))


def _minus(metric: Metric) -> Metric:
    return lambda scores, right: -metric(scores, right)


def _row(name: str, label: str, found: Estimate, target: Target | None = None, unit: Unit = "number") -> Row:
    return Row(name=name, label=label, unit=unit, ours=Measured.of(found), target=target)


def _at_least(value: float, moonshot: float | None = None) -> Target:
    return Target(relation="at least", value=value, moonshot=moonshot)


def _at_most(value: float, moonshot: float | None = None) -> Target:
    return Target(relation="at most", value=value, moonshot=moonshot)


def _above_zero() -> Target:
    return Target(relation="above", value=0.0, bound="low")
