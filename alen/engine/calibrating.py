"""Fit the core to questions with known answers. The right answers label what was proposed; no check ever sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.core import judging
from alen.core.equivalence import overlap
from alen.core.fitting import Labelled, fit, fit_apart
from alen.core.reasoner import Reasoner
from alen.core.solutions import graded
from alen.engine import asking
from alen.errors import BadInput
from alen.text import json_lines

if TYPE_CHECKING:
    from alen.engine.engine import Engine


def is_right(text: str, answers: Sequence[str], unanswerable: bool) -> int:
    """Right = the question can be answered and the token F1 with one of the answers reaches 0.5."""
    return int(not unanswerable and max((overlap(text, answer) for answer in answers), default=0.0) >= 0.5)


def calibrate(
    engine: Engine, data: str | Path, *, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """See Engine.calibrate."""
    rows = json_lines.numbered_questions(Path(data))
    solutions = [_solution(place, row) for place, row in rows if "reply" in row]
    asked = [row for _, row in rows if "reply" not in row]
    fitted, report, families = engine.belief(), dict[str, Any](certified_on=0, certificates=[]), dict[str, Any]()
    if solutions:
        # First, because it takes no time: what is too little is told before anything is asked.
        fitted, families = fit_apart(graded(solutions), fitted)
    if asked:
        provenance = {
            "fitted_on": Path(data).name,
            "questions": len(asked),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": engine.settings.model,
            "effort": engine.settings.effort,
            "encoder": engine.encoder.fingerprint,
        }
        fitted, report = fit(label(engine, asked, progress), fitted, provenance)
    if solutions:
        fitted = replace(fitted, provenance={**fitted.provenance, "solutions": len(solutions)})
    from alen.engine.engine import BELIEF_KEY

    engine.memory.save_state(BELIEF_KEY, fitted.to_json())
    families = report.get("families", {}) | families
    return {"questions": len(asked), "solutions": len(solutions), **report, "families": families}


def _solution(place: str, row: dict[str, Any]) -> tuple[str, str, bool]:
    reply, right = row["reply"], row.get("right")
    if not isinstance(reply, str):
        raise BadInput(f"{place}, reply", repr(reply)[:80], "a text", "Write the solution with its working.")
    if not isinstance(right, bool):
        raise BadInput(f"{place}, right", repr(right)[:80], "true or false", "Say whether the reply is right.")
    return row["question"], reply, right


def label(
    engine: Engine, rows: Sequence[dict[str, Any]], progress: Callable[[str, int, int], None] | None = None
) -> list[Labelled]:
    """Ask each question and label its proposals."""
    reasoner = Reasoner(engine.belief(), asking.policy(engine))
    tools = replace(asking.tools(engine, reasoner), ask_back=engine.settings.ask_back)
    labelled = []
    for done, row in enumerate(rows):
        question = asking.checked(engine, row["question"])
        situation = asking.situate(engine, question, engine.settings.effort)
        # With all effort also operators are asked that could not be believed so far.
        proposals = reasoner.propose(situation, tools, everything=situation.effort == "thorough")
        group = str(row.get("context") or question)
        unanswerable = bool(row.get("unanswerable"))
        for proposal in judging.completed(situation, proposals, reasoner.belief, tools):
            right = is_right(proposal.text, row.get("answers") or [], unanswerable)
            labelled.append(Labelled(proposal.family, proposal.checks, right, group, done, answerable=not unanswerable))
        if progress:
            progress("asking", done + 1, len(rows))
    return labelled
