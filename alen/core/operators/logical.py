"""Logical: what can be computed is executed, exactly, and recomputed by an independent parser."""

from __future__ import annotations

from alen.core import checks as look
from alen.core.arithmetic import NotArithmetic, evaluate, expression_of, recomputed, written
from alen.core.situation import Proposal, Situation
from alen.core.units import convert
from alen.types import Evidence


def compute(situation: Situation) -> list[Proposal]:
    """Arithmetic and unit conversion."""
    question = situation.thought.text
    converted = convert(question)
    if converted is not None:
        value, unit, derivation = converted
        text = f"{written(value, 10)} {unit}"
        found = Evidence("units", "derivation", f"{derivation} {text}", "exact unit table", None, 0, 0, 1.0)
        return [Proposal(text, "logical", "compute", (look.check("symbolic", 1.0, 1.0),), (found,))]
    try:
        expression = expression_of(question)
        value = evaluate(expression)
    except NotArithmetic:
        return []
    again = recomputed(expression)
    agrees = None if again is None else float(abs(again - float(value)) <= 1e-9 * max(1.0, abs(float(value))))
    text = written(value)
    found = Evidence("arithmetic", "derivation", f"{expression} = {text}", "exact arithmetic", None, 0, 0, 1.0)
    return [Proposal(text, "logical", "compute", (look.check("symbolic", agrees, 1.0),), (found,))]
