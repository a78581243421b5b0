"""What feedback teaches the core, and which of its own answers it may commit to memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alen.core.abstention import threshold_in_force
from alen.core.belief import Belief, Family
from alen.core.contradiction import lost_by
from alen.core.online import Shadow
from alen.core.record import Record
from alen.core.verified_learning import select
from alen.engine import asking
from alen.errors import BadInput
from alen.types import Check, Episode

if TYPE_CHECKING:
    from alen.engine.engine import Engine

SHADOWS_KEY = "core.shadows"
RECORD_KEY = "derived.record"
"""Erasing anything throws it away: it tells of single questions."""

REMEMBERED = 500
"""Graded answers that local reliability is told from, the newest."""


def from_feedback(engine: Engine, episode: Episode, right: bool) -> None:
    """Take in a grade of an answer, as it was before: at once where answers near this one are judged, on a copy where
    checks are weighed. The same grade given twice counts once."""
    candidates = episode.detail.get("candidates") or []
    if episode.source != "model" or episode.answer is None or not candidates:
        return  # what a person taught says nothing about how sure ALEN may be of its own
    if episode.tier == "gold" if right else episode.status == "quarantined":
        return
    best = candidates[0]
    _remember(engine, episode.question, episode.answer, right)
    family = best.get("family")
    belief = engine.belief()
    checks = [Check(check["name"], check["status"], check["value"]) for check in best["checks"]]
    if family not in belief.families or lost_by(checks):
        return  # a disputed answer says nothing of how often an undisputed one is right
    over: list[Family] = []

    def learned(states: dict[str, Any] | None) -> dict[str, Any]:
        known = (states or {}).get(family)
        shadow = Shadow.from_json(known) if known else Shadow(belief.families[family].energy)
        shadow = shadow.learned(checks, float(best["confidence"]), right)
        ended = shadow.epoch()
        if ended is not None:
            over.append(Family(*ended))
            shadow = Shadow(ended[0])
        return {**(states or {}), family: shadow.to_json()}

    engine.memory.change_state(SHADOWS_KEY, learned)
    for renewed in over:
        _put_into_service(engine, belief, family, renewed)


def commit(engine: Engine, epsilon: float) -> dict[str, Any]:
    """See Engine.commit_verified."""
    if not 0.0 < epsilon < 1.0:
        raise BadInput("epsilon", f"{epsilon:g}", "a share between 0 and 1", "For example 0.05.")
    belief = engine.belief()
    waiting = engine.memory.unverified()
    proved = [row["id"] for row in waiting if _is_proved(row)]
    others = [row for row in waiting if not _is_proved(row)]
    report: dict[str, Any] = {"proved": engine.memory.promote(proved, "proved"), "certified": 0, "epsilon": epsilon}
    # Only what was answered waits here: of the graded ones those count that would have been answered.
    threshold, _ = threshold_in_force(asking.policy(engine), belief.at(engine.settings.effort))
    graded = [(p, right) for p, right in belief.graded if threshold is not None and p >= threshold]
    report |= {"waiting": len(others), "graded": len(graded)}
    if others and graded:
        scores = [float(row["confidence"]) for row in others]
        chosen = select(scores, [p for p, right in graded if not right], len(graded), epsilon).chosen
        report["certified"] = engine.memory.promote([others[place]["id"] for place in chosen], "certified")
    return report


def record_of(engine: Engine) -> Record:
    """What people said of answers in this namespace."""
    stored = engine.memory.load_state(RECORD_KEY)
    return Record.from_json(stored) if stored else Record()


def _remember(engine: Engine, question: str, answer: str, right: bool) -> None:
    vector_D = np.asarray(engine.encoder.encode([question])[0], dtype=np.float32)

    def grown(stored: dict[str, Any] | None) -> dict[str, Any]:
        record = Record.from_json(stored) if stored else Record()
        if len(record) and record.vectors_ND.shape[1] != len(vector_D):
            record = Record()  # of another encoder
        return record.with_one(vector_D, answer, right).newest(REMEMBERED).to_json()

    engine.memory.change_state(RECORD_KEY, grown)


def _put_into_service(engine: Engine, belief: Belief, name: str, family: Family) -> None:
    """Certificates were given for what was in service before: they end with it."""
    from alen.engine.engine import BELIEF_KEY

    provenance = {**belief.provenance, "epochs": int(belief.provenance.get("epochs", 0)) + 1}
    renewed = replace(
        belief,
        families={**belief.families, name: family},
        provenance=provenance,
        certificates=(),
        coverage={},
        graded=(),
    )
    engine.memory.save_state(BELIEF_KEY, renewed.to_json())


def _is_proved(row: dict[str, Any]) -> bool:
    candidates = row["detail"].get("candidates") or [{}]
    checks = {check["name"]: check["status"] for check in candidates[0].get("checks", ())}
    return candidates[0].get("family") == "compute" and checks.get("symbolic") == "pass"
