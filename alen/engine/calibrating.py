"""Fit the core to questions with known answers. The right answers label what was proposed; no check ever sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alen.core.abstention import certify
from alen.core.belief import Belief, Family
from alen.core.calibration import MINIMUM, Calibrator
from alen.core.energy import Energy
from alen.core.equivalence import overlap
from alen.core.reasoner import Reasoner, with_agreement
from alen.engine import asking
from alen.errors import BadInput
from alen.text import documents
from alen.types import Check

if TYPE_CHECKING:
    from alen.engine.engine import Engine

FOLDS = 5
RISKS = (0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class Labelled:
    """A proposal whose question has a known answer. Rows of one ``group`` are never split between fit and test; rows
    with the same ``question`` compete for being said, one without a question number competes with none."""

    family: str
    checks: tuple[Check, ...]
    right: int
    group: str
    question: int | None = None


def is_right(text: str, answers: Sequence[str], unanswerable: bool) -> int:
    """Right = the question can be answered and the token F1 with one of the answers reaches 0.5."""
    return int(not unanswerable and max((overlap(text, answer) for answer in answers), default=0.0) >= 0.5)


def calibrate(
    engine: Engine, data: str | Path, *, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """See Engine.calibrate."""
    rows = documents.read_questions(Path(data))
    labelled = label(engine, rows, progress)
    provenance = {
        "fitted_on": Path(data).name,
        "questions": len(rows),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": engine.settings.model,
        "encoder": engine.encoder.fingerprint,
    }
    fitted, report = fit(labelled, engine.belief(), provenance)
    from alen.engine.engine import BELIEF_KEY

    engine.memory.save_state(BELIEF_KEY, fitted.to_json())
    return {"questions": len(rows), **report}


def label(
    engine: Engine, rows: Sequence[dict[str, Any]], progress: Callable[[str, int, int], None] | None = None
) -> list[Labelled]:
    """Ask each question and label its proposals."""
    reasoner = Reasoner(engine.belief())
    labelled = []
    for done, row in enumerate(rows):
        question = asking.checked(engine, row["question"])
        situation = asking.situate(engine, question, engine.settings.effort)
        proposals = reasoner.propose(situation, engine.reader)
        group = str(row.get("context") or question)
        for proposal in proposals:
            right = is_right(proposal.text, row.get("answers") or [], bool(row.get("unanswerable")))
            complete = with_agreement(proposal, proposals)
            labelled.append(Labelled(proposal.family, complete.checks, right, group, done))
        if progress:
            progress("asking", done + 1, len(rows))
    return labelled


def fit(labelled: Sequence[Labelled], before: Belief, provenance: dict[str, Any]) -> tuple[Belief, dict[str, Any]]:
    """A belief fitted to the rows, and a report. A family with too few rows of either label keeps what it had.

    Raises BadInput when no family could be fitted."""
    families, report = dict(before.families), {}
    for name in sorted({row.family for row in labelled}):
        rows = [row for row in labelled if row.family == name]
        right = sum(row.right for row in rows)
        if len(rows) < MINIMUM or min(right, len(rows) - right) < 10:
            report[name] = {"rows": len(rows), "right": right, "fitted": False}
            continue
        families[name], report[name] = _fit_family(rows)
    if not any(part["fitted"] for part in report.values()):
        raise BadInput(
            "data",
            ", ".join(f"{name}: {part['rows']} answers, {part['right']} right" for name, part in report.items())
            or "none",
            f"at least {MINIMUM} answers of one kind, 10 of them right and 10 wrong",
            "Give more questions, some that can be answered and some that cannot.",
        )
    return Belief(families, {**provenance, "families": report}), {"families": report}


def _fit_family(rows: Sequence[Labelled]) -> tuple[Family, dict[str, Any]]:
    names = list(dict.fromkeys(check.name for row in rows for check in row.checks))
    y = np.array([row.right for row in rows])
    fold = np.array([_hash(row.group) % FOLDS for row in rows])
    half = np.array([_hash("half " + row.group) % 2 for row in rows])
    held_out = np.zeros(len(rows))
    for number in range(FOLDS):
        inside = np.flatnonzero(fold != number).tolist()
        outside = np.flatnonzero(fold == number).tolist()
        if not outside:
            continue
        energy = Energy.fit([rows[i].checks for i in inside], y[inside], names=names)
        held_out[outside] = [-energy.of(rows[i].checks) for i in outside]
    report: dict[str, Any] = {"rows": len(rows), "right": int(y.sum()), "fitted": True}
    said = _said(rows, held_out)
    report |= _certified(held_out[said], y[said], half[said])
    energy = Energy.fit([row.checks for row in rows], y, names=names)
    return Family(energy, Calibrator.fit(held_out[said], y[said])), report


def _said(rows: Sequence[Labelled], scores: np.ndarray) -> np.ndarray:
    """The best-scored row of each question. The best of several is wrong more often than its score says of it alone,
    so the map to probabilities must be fitted on what would be said."""
    best: dict[int, int] = {}
    for index, row in enumerate(rows):
        key = -1 - index if row.question is None else row.question
        if key not in best or scores[index] > scores[best[key]]:
            best[key] = index
    return np.array(sorted(best.values()))


def _certified(scores: np.ndarray, y: np.ndarray, half: np.ndarray) -> dict[str, Any]:
    """Figures and certificates on one half, with the map fitted on the other."""
    if min(np.bincount(half, minlength=2)) < MINIMUM:
        return {"certificates": []}
    calibrator = Calibrator.fit(scores[half == 0], y[half == 0])
    p = np.array([calibrator.probability(score) for score in scores[half == 1]])
    labels, rate = y[half == 1], float(y[half == 0].mean())
    rate = min(max(rate, 1e-3), 1 - 1e-3)
    log_loss = float(-(labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean())
    constant = float(-(labels * np.log(rate) + (1 - labels) * np.log(1 - rate)).mean())
    return {
        "log_loss": round(log_loss, 4),
        "log_loss_of_constant": round(constant, 4),
        "certificates": [asdict(certify(p, labels, risk)) for risk in RISKS],
    }


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
