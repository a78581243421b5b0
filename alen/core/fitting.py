"""Fitting what the core believes to graded answers: energies, the map to probabilities, and what can be certified.

Some question groups fit, the others certify: a bound on errors holds for a procedure that has not seen them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alen.core import abstention, safeguard
from alen.core.belief import Belief, Family
from alen.core.calibration import MINIMUM, Calibrator, log_losses
from alen.core.contradiction import lost_by
from alen.errors import BadInput
from alen.types import Check

FOLDS = 5
RISKS = (0.05, 0.1, 0.2, 0.3)
"""Shares of wrong answers that are tried to be certified."""
MISSES = (0.1, 0.2, 0.3)
"""Shares of questions for which a set of candidates may fail."""

CERTIFYING = 0.4
"""Share of the question groups that nothing is fitted on."""

CERTIFIED_FROM = 200
"""Questions. With fewer all of them are fitted on: what would be left could hardly certify anything."""


@dataclass(frozen=True)
class Labelled:
    """A proposal whose question has a known answer. Rows of one ``group`` are never split between fit and test; rows
    with the same ``question`` compete for being said, one without a question number competes with none. ``part`` is the
    data set it comes from, where there are several; ``answerable`` whether its question has an answer at all."""

    family: str
    checks: tuple[Check, ...]
    right: int
    group: str
    question: int | None = None
    part: str = ""
    answerable: bool = True


def fit(
    labelled: Sequence[Labelled], before: Belief, provenance: dict[str, Any], *, certifying: float = CERTIFYING
) -> tuple[Belief, dict[str, Any]]:
    """A belief fitted to the rows, and a report. A family with too few rows of either label keeps what it had.

    Raises BadInput when no family could be fitted."""
    asked = len({-1 - place if row.question is None else row.question for place, row in enumerate(labelled)})
    share = certifying if asked >= CERTIFIED_FROM else 0.0
    held = [unit("certify " + row.group) < share for row in labelled]
    families, report = _families([row for row, out in zip(labelled, held, strict=True) if not out], labelled, before)
    whole: dict[str, Any] = {"families": report, "groups": len({row.group for row in labelled})}
    fitted = Belief(families, {}, before.record)
    kept = [row for row, out in zip(labelled, held, strict=True) if out]
    promising, told = certified(fitted, kept)
    whole |= told
    return replace(promising, provenance={**provenance, **whole}), whole


def fit_apart(labelled: Sequence[Labelled], before: Belief) -> tuple[Belief, dict[str, Any]]:
    """The belief with families fitted that judge and never say anything, and a report on each: nothing is certified by
    them, and what was certified stays. Raises BadInput when no family could be fitted."""
    families, report = _families(labelled, labelled, before)
    return replace(before, families=families), report


def _families(
    fitting: Sequence[Labelled], labelled: Sequence[Labelled], before: Belief
) -> tuple[dict[str, Family], dict[str, Any]]:
    """Families fitted to rows, beside those of ``before``, with a report on each that is ``labelled``."""
    families, report = dict(before.families), {}
    for name in sorted({row.family for row in labelled}):
        # How often an answer is right alone: what rivals take away is not learned.
        rows = [row for row in fitting if row.family == name and not lost_by(row.checks)]
        right = sum(row.right for row in rows)
        if len(rows) < MINIMUM or min(right, len(rows) - right) < 10:
            report[name] = {"rows": len(rows), "right": right, "fitted": False}
            continue
        known = before.families.get(name)
        families[name], report[name] = _fit_family(rows, {} if known is None else known.energy.weights)
    if not any(part["fitted"] for part in report.values()):
        raise BadInput(
            "data",
            ", ".join(f"{name}: {part['rows']} answers, {part['right']} right" for name, part in report.items())
            or "none",
            f"at least {MINIMUM} answers of one kind, 10 of them right and 10 wrong",
            "Give more questions, some that can be answered and some that cannot.",
        )
    return families, report


def certified(belief: Belief, rows: Sequence[Labelled]) -> tuple[Belief, dict[str, Any]]:
    """The belief with what it can promise by rows that it was not fitted on: certificates, coverage of sets, and how
    sure it was of wrong answers, all told from one question of each group; and figures, told from all of them."""
    sure = np.array([belief.probability(row.family, row.checks) for row in rows])
    groups = [row.group for row in rows]
    said = best_of_each(rows, sure)
    if len(said) < MINIMUM:
        return belief, {"certified_on": 0, "certified_groups": 0, "certificates": []}
    right = np.array([row.right for row in rows])
    alone = one_of_each(said.tolist(), groups)
    certificates = tuple(abstention.certify(sure[alone], right[alone], risk) for risk in RISKS)
    best_right: dict[int | None, float] = {}
    for row, p_of_row in zip(rows, sure.tolist(), strict=True):
        best_right[row.question] = max(best_right.get(row.question, 0.0), row.right * p_of_row)
    answerable = [place for place in said.tolist() if rows[place].question is not None and rows[place].answerable]
    witnesses = [best_right[rows[place].question] for place in one_of_each(answerable, groups)]
    coverage = {miss: abstention.cover(witnesses, miss) for miss in MISSES}
    p, labels = sure[said], right[said]
    rate = min(max(float(labels.mean()), 1e-3), 1 - 1e-3)
    promising = replace(
        belief,
        certificates=certificates,
        coverage={miss: least for miss, least in coverage.items() if least > 0},
        graded=tuple((round(float(sure[place]), 4), int(right[place])) for place in alone),
    )
    return (
        promising,
        {
            "certified_on": len(said),
            "certified_groups": len(alone),
            "log_loss": round(float(log_losses(p, labels).mean()), 4),
            "log_loss_of_constant": round(float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))), 4),
            "certificates": [asdict(found) for found in certificates],
        },
    )


def best_of_each(rows: Sequence[Labelled], scores: np.ndarray) -> np.ndarray:
    """The best-scored row of each question. The best of several is wrong more often than its score says of it alone,
    so the map to probabilities must be fitted on what would be said."""
    best: dict[int, int] = {}
    for index, row in enumerate(rows):
        key = -1 - index if row.question is None else row.question
        if key not in best or scores[index] > scores[best[key]]:
            best[key] = index
    return np.array(sorted(best.values()), dtype=int)


def one_of_each(places: Sequence[int], groups: Sequence[str]) -> np.ndarray:
    """One place of each group, by chance, rising: answers to questions about one thing are right or wrong together and
    no independent witnesses, and a right one may always stand first. ``groups[place]`` is the group of each."""
    found: dict[str, int] = {}
    for place in sorted(places, key=lambda place: unit(f"witness {groups[place]} {place}")):
        found.setdefault(groups[place], place)
    return np.array(sorted(found.values()), dtype=int)


def unit(text: str) -> float:
    """A number in 0..1 that is always the same for a text, and for texts together evenly spread."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64


def _fit_family(rows: Sequence[Labelled], usual: Mapping[str, float]) -> tuple[Family, dict[str, Any]]:
    """``usual`` are the weights that were believed before: the fewer rows, the less they are moved."""
    names = list(dict.fromkeys(check.name for row in rows for check in row.checks))
    y = np.array([row.right for row in rows])
    sets = len({row.part for row in rows})
    several = sets > 2
    parts = [row.part if several else str(int(unit(row.group) * FOLDS)) for row in rows]
    fit = safeguard.choose if several else safeguard.summed
    chosen = fit([row.checks for row in rows], y, parts, names, usual)
    said = best_of_each(rows, chosen.scores)
    report = {"rows": len(rows), "right": int(y.sum()), "fitted": True, "sets": sets, "single": chosen.single}
    report |= chosen.report
    return Family(chosen.energy, Calibrator.fit(chosen.scores[said], y[said])), report
