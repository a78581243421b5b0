"""Analytical: a question that needs two facts is taken apart; each part is answered from memory and verified alone."""

from __future__ import annotations

import math

from alen.core import checks as look
from alen.core.decomposition import Chain, Comparison, decompose, filled
from alen.core.equivalence import number_of
from alen.core.situation import Proposal, Situation, Solved, Tools
from alen.types import Evidence


def solve_in_steps(situation: Situation, tools: Tools) -> list[Proposal]:
    """The answer to the last step, when no step would abstain; else nothing."""
    plan = decompose(situation.thought.text) if tools.solve is not None else None
    if isinstance(plan, Chain):
        return _chained(plan, tools)
    if isinstance(plan, Comparison):
        return _compared(plan, tools)
    return []


def _chained(plan: Chain, tools: Tools) -> list[Proposal]:
    first = _solved(tools, plan.first)
    then = None if first is None else _solved(tools, filled(plan.then, first.answer))
    return [] if first is None or then is None else [_proposal(then.answer, [first, then])]


def _compared(plan: Comparison, tools: Tools) -> list[Proposal]:
    for question in plan.questions:
        one, other = _solved(tools, question.format(plan.one)), _solved(tools, question.format(plan.other))
        if one is None or other is None:
            continue
        here, there = number_of(one.answer), number_of(other.answer)
        # Numbers of different units say nothing about each other.
        if here is None or there is None or here[0] == there[0] or here[1] != there[1]:
            continue
        # Of two years the later is the younger.
        more = (here[0] > there[0]) != question.startswith("When")
        return [_proposal(plan.one if more == (plan.sign == "more") else plan.other, [one, other])]
    return []


def _solved(tools: Tools, question: str) -> Solved | None:
    return tools.solve(question) if tools.solve is not None else None


def _proposal(answer: str, steps: list[Solved]) -> Proposal:
    together = math.prod(step.confidence for step in steps)
    told = " ".join(f"{step.question} {step.answer}." for step in steps)
    shown = Evidence("steps", "derivation", told, "sub-questions", None, 0, 0, together)
    evidence = {(found.kind, found.id): found for step in steps for found in step.evidence}
    checks = (
        look.check("steps_together", _log_odds(together)),
        look.check("weakest_step", _log_odds(min(step.confidence for step in steps))),
    )
    detail: dict[str, object] = {"steps": [(step.question, step.answer, step.confidence) for step in steps]}
    tokens = sum(step.tokens for step in steps)
    low, high = (round(math.prod(step.interval[end] for step in steps), 4) for end in (0, 1))
    found = (shown, *evidence.values())
    return Proposal(answer, "analytical", "steps", checks, found, tokens, detail, interval=(low, high))


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
