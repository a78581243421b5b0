"""What lies behind the rows: by set, by estimator, by check left out, and what the controls show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from alen.benchmark import controls
from alen.benchmark.comparison import differences, holm, macro
from alen.benchmark.resplits import gate
from alen.benchmark.set_scores import ALEN, APART, GREEDY, RISKS, SetScores
from alen.benchmark.verification import within
from alen.benchmark.verification_rows import BASE, best_rival, share_of_likely, shared_rivals, tokens_of, views
from alen.validation import metrics

Table = list[dict[str, Any]]
DRAWS_OF_ALL = 4000
"""With Holm's correction the least p that draws can tell is one by their number, times the estimators."""
LEAST, MOST, ABOVE_CHANCE = 0.2, 0.8, 0.05


def accuracy(name: str, lines: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> dict[str, Any]:
    """A set's share of right replies, and why it is not admitted where it is not."""
    found = metrics.rate_estimate([float(line["is_right"]) for line in lines], groups)
    chance = float(lines[0]["chance"])
    why = ""
    if not LEAST <= found.value <= MOST:
        why = f"accuracy not between {LEAST:.0%} and {MOST:.0%}"
    elif lines[0].get("given") is None and found.low < chance + ABOVE_CHANCE:
        why = f"not {ABOVE_CHANCE:.0%} above chance"
    return {
        "set": name,
        "questions": len(lines),
        "groups": len(set(groups)),
        "accuracy": _percent(found.value),
        "95 % interval": f"{_percent(found.low)} to {_percent(found.high)}",
        "chance": _percent(chance),
        "left out": why,
    }


def by_set(sets: Sequence[SetScores], new: Sequence[Mapping[str, np.ndarray]]) -> Table:
    """Each set as the rows see it."""
    best = best_rival(sets, metrics.auroc)
    found = []
    for each, ranked, unseen in zip(sets, views(sets), new, strict=True):
        known = each.columns
        oracle = max(shared_rivals(sets), key=partial(ranked.measured, metrics.auroc))
        found.append(
            {
                "set": each.name,
                "tested": len(each.right),
                "AUROC": _number(ranked.measured(metrics.auroc, ALEN)),
                "likely reply alone": _number(ranked.measured(metrics.auroc, GREEDY)),
                "no other set known": _number(ranked.measured(metrics.auroc, APART)),
                "best check alone": _number(controls.of_best_check(each.looked.turns, metrics.auroc)),
                best: _number(ranked.measured(metrics.auroc, best)),
                "best of the set": f"{_number(ranked.measured(metrics.auroc, oracle))} {oracle}",
                "log-loss": _number(metrics.log_loss(known[ALEN].p, each.right)),
                "base rate's": _number(metrics.base_rate_log_loss(each.right)),
                "ECE": _number(metrics.ece(known[ALEN].p, each.right)),
                "ECE when new": _number(metrics.ece(unseen[ALEN], each.right)),
                "AUROC when new": _number(metrics.auroc(unseen[ALEN], each.right)),
            }
        )
    return found


def by_estimator(sets: Sequence[SetScores]) -> Table:
    """Each estimator's means over the sets; p that ALEN's AUROC, and log-loss, is no better, with Holm's correction."""
    names, ranked, sure = shared_rivals(sets), views(sets), views(sets, calibrated=True)
    worse = differences(metrics.auroc, ranked, ALEN, names, draws=DRAWS_OF_ALL)
    dearer = differences(metrics.log_loss, sure, ALEN, names, draws=DRAWS_OF_ALL)
    adjusted = holm({name: found.p for name, found in worse.items()})
    adjusted_loss = holm({name: found.p for name, found in dearer.items()})
    found = [
        {
            "estimator": name,
            "AUROC": _number(np.mean([one.measured(metrics.auroc, name) for one in ranked])),
            "rejection ratio": _number(np.mean([one.measured(metrics.rejection_ratio, name) for one in ranked])),
            "log-loss": _number(np.mean([metrics.log_loss(one.scores[name], one.right) for one in sure])),
            "ECE": _number(np.mean([metrics.ece(one.scores[name], one.right) for one in sure])),
            "AUROC below ALEN's": _number(worse[name].estimate.value) if name in worse else None,
            "p": _number(adjusted[name]) if name in adjusted else None,
            "log-loss above ALEN's": _number(-dearer[name].estimate.value) if name in dearer else None,
            "p of that": _number(adjusted_loss[name]) if name in adjusted_loss else None,
        }
        for name in (ALEN, GREEDY, APART, *names)
    ]
    base = {"estimator": BASE, "log-loss": _number(macro(metrics.log_loss, sure, BASE, draws=2).value)}
    return [*sorted(found, key=lambda row: -float(row["AUROC"] or 0)), base]


def certified(sets: Sequence[SetScores]) -> Table:
    """What is answered at each certified risk, how much of it is wrong, and how often resplits break their word."""
    best = best_rival(sets, metrics.auroc)
    found = []
    for each in sets:
        for risk in RISKS:
            kept = gate(each.columns[ALEN].p, each.right, each.groups, risk)
            where = ", new articles" if each.unseen else ""
            row: dict[str, Any] = {"set": each.name + where, "risk": _percent(risk)}
            for name in (ALEN, best):
                answered = each.columns[name].answered[risk] > 0
                row[name] = _percent(answered.mean())
                row[f"{name}: wrong"] = _percent(1 - each.right[answered].mean()) if answered.any() else "–"
            found.append(
                row | {"resplits that broke it": f"{kept.broken} of {kept.resplits} ({kept.certified} certified)"}
            )
    return found


def ablations(sets: Sequence[SetScores]) -> Table:
    """By check, the AUROC that is lost when it is left out, on average over the sets that have it."""
    lost: dict[str, list[float]] = {}
    for each in sets:
        for name, less in controls.ablated(each.looked.turns, each.usual, metrics.auroc).items():
            lost.setdefault(name, []).append(less)
    dearest_first = sorted(lost.items(), key=lambda entry: -float(np.mean(entry[1])))
    return [
        {"without": name, "sets": len(less), "AUROC lost, mean": _number(np.mean(less)), "most": _number(max(less))}
        for name, less in dearest_first
    ]


def control(sets: Sequence[SetScores]) -> Table:
    """Labels of other questions, weights that nobody fitted, and replies of other questions."""
    found = []
    for each in sets:
        turns = each.looked.turns
        by_hand = controls.by_hand(turns[0], controls.SEED_WEIGHTS)[each.places]
        other = controls.swapped(each.looked, 0)
        told, half = within(other, each.usual[0]).p, len(each.looked.lines)
        test = turns[0].of("test")
        found.append(
            {
                "set": each.name,
                "AUROC, labels shuffled": _number(controls.learned_from_nothing(turns, metrics.auroc)),
                "AUROC, weights by hand": _number(metrics.auroc(by_hand, each.right)),
                "mean probability": _percent(told[test].mean()),
                "with another's reply": _percent(told[test + half].mean()),
                "right of these": _percent(other.right_L[test + half].mean()),
            }
        )
    return found


def tokens(sets: Sequence[SetScores]) -> Table:
    """Mean tokens that the model read and wrote for a question, by what they were for."""
    found = []
    for each in sets:
        means = tokens_of(each)
        found.append(
            {"set": each.name}
            | {name: round(value, 1) for name, value in means.items()}
            | {"likely reply alone, of all": _percent(share_of_likely(means))}
        )
    return found


def _number(value: float | np.floating[Any]) -> str:
    return f"{value:.3f}"


def _percent(share: float | np.floating[Any]) -> str:
    return f"{100 * share:.1f} %"
