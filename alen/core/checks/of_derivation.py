"""Checks of what the equations come to that a language model set up."""

from __future__ import annotations

from alen.core.checks.looking import check
from alen.core.derivation import Derivation
from alen.core.mentions import mentions, words_of
from alen.thought import ThoughtState
from alen.types import Check


def of_derivation(thought: ThoughtState, derivation: Derivation) -> list[Check]:
    """Whether the model computed what it wrote as it is, and whether it reckons with what the question gives."""
    told = mentions(words_of(thought.text))
    given = [any(one.is_in(operand) for one in told) for operand in derivation.operands]
    return [
        check("equation_holds", float(derivation.holds), 1.0),
        check("operands_given", sum(given) / len(given) if given else None, 1.0),
    ]
