"""Logical: what can be computed is executed, exactly: the question itself, recomputed by an independent parser, or an
equation that a language model sets up for it."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core import checks as look
from alen.core.arithmetic import NotArithmetic, evaluate, expression_of, recomputed, written
from alen.core.checks.of_derivation import of_derivation
from alen.core.derivation import worked_out
from alen.core.mentions import mentions, words_of
from alen.core.operators.probabilistic import TEMPERATURE
from alen.core.operators.writing import MAX_TOKENS, conversation, family_of
from alen.core.situation import Proposal, Situation
from alen.core.units import convert
from alen.thought import ThoughtState
from alen.types import Completion, Effort, Evidence, Generator

EQUATIONS: dict[Effort, int] = {"fast": 0, "balanced": 1, "thorough": 6}
"""How many are asked for: the likeliest, and the rest by chance."""

_SYSTEM = "Write the calculation that answers the question, as one equation."
_EXAMPLES = (
    ("Tom has 5 apples and buys 7 more. How many apples does he have?", "5 + 7 = 12"),
    ("A box holds 6 eggs. How many eggs are in 4 boxes?", "6 * 4 = 24"),
    ("Ann has 30 euros and buys 3 books for 8 euros each. How many euros are left?", "30 - 3 * 8 = 6"),
)


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


def family_of_equations(generator: Generator) -> str:
    """What a model sets up is fitted apart from what it answers."""
    return family_of(generator) + ":equation"


def work_out(situation: Situation, generator: Generator | None) -> list[Proposal]:
    """What the equations come to that a language model writes for a question: it may know what to compute and yet
    miscompute it. Only where a number is asked for, at least two are given, and the words alone cannot be computed."""
    count, thought = EQUATIONS[situation.effort], situation.thought
    countable = thought.answer_type == "number" and len(mentions(words_of(thought.text))) > 1
    if generator is None or not count or not countable or compute(situation):
        return []
    messages = conversation(thought, examples=_EXAMPLES, system=_SYSTEM)
    replies = list(generator.generate(messages, max_tokens=MAX_TOKENS, cancel=situation.cancel))
    if count > 1:
        replies += generator.generate(
            messages, max_tokens=MAX_TOKENS, temperature=TEMPERATURE, n=count - 1, seed=1, cancel=situation.cancel
        )
    return worked_out_proposals(thought, replies, generator.name, family_of_equations(generator))


def worked_out_proposals(
    thought: ThoughtState, replies: Sequence[Completion], author: str, family: str
) -> list[Proposal]:
    """A candidate for each reply with an equation that can be worked out; ``author`` names the model that wrote it."""
    proposals = []
    for place, reply in enumerate(replies):
        found = worked_out(reply.text)
        if found is None:
            continue
        shown = Evidence(
            "equation", "derivation", found.shown, f"set up by {author}, exact arithmetic", None, 0, 0, 1.0
        )
        checks = tuple(of_derivation(thought, found))
        # The prompt is read once for the likeliest, and once for all by chance.
        tokens = reply.tokens + (reply.prompt_tokens if place < 2 else 0)
        proposals.append(Proposal(found.result, "logical", family, checks, (shown,), tokens, writing=reply))
    return proposals
