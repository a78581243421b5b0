"""Fit the core to questions with known answers. The right answers label what was proposed; no check ever sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.core import judging
from alen.core.fitting import Labelled, fit, fit_apart
from alen.core.reasoner import Reasoner
from alen.core.solutions import graded
from alen.engine import asking
from alen.errors import BadInput
from alen.text.json_lines import numbered_questions
from alen.text.questions import asked_text, checked, group_of, is_answered

if TYPE_CHECKING:
    from alen.engine.engine import Engine


def calibrate(
    engine: Engine,
    data: str | Path,
    *,
    passages: str | Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """See Engine.calibrate."""
    rows = numbered_questions(data)
    solutions = [_solution(place, row) for place, row in rows if "reply" in row]
    asked = checked([(place, row) for place, row in rows if "reply" not in row])
    fitted, families = engine.belief(), dict[str, Any]()
    report: dict[str, Any] = {"groups": 0, "certified_on": 0, "certified_groups": 0, "certificates": []}
    if solutions:
        # First, because it takes no time: what is too little is told before anything is taught or asked.
        fitted, families = fit_apart(graded(solutions), fitted)
    if passages is not None:
        engine.teach(passages=passages, progress=progress)
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
    """Ask each question, as ``ModelValidator`` does, and label its proposals as it grades them. ``rows`` are those of
    ``gradable``."""
    # Operators are asked as they are where a certificate is in force, whatever the threshold is now.
    reasoner = Reasoner(engine.belief())
    tools = replace(asking.tools(engine, reasoner), ask_back=engine.settings.ask_back)
    labelled = []
    for done, row in enumerate(rows):
        question = asking.checked(engine, asked_text(row))
        situation = asking.situate(engine, question, engine.settings.effort)
        # With all effort also operators are asked that could not be believed so far.
        proposals = reasoner.propose(situation, tools, everything=situation.effort == "thorough")
        part, answerable = row.get("set") or "", not row.get("unanswerable")
        for proposal in judging.completed(situation, proposals, reasoner.belief, tools):
            right = int(is_answered(proposal.text, row))
            labelled.append(
                Labelled(proposal.family, proposal.checks, right, group_of(row), done, part, answerable=answerable)
            )
        if progress:
            progress("asking", done + 1, len(rows))
    return labelled
