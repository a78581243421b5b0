"""Probabilistic: several answers by chance, whose votes count (Wang et al., 2022, "Self-consistency improves chain of
thought reasoning in language models")."""

from __future__ import annotations

from alen.core.operators.writing import MAX_TOKENS, conversation, family_of, proposals_of
from alen.core.situation import Proposal, Situation
from alen.types import Effort, Generator

SAMPLES: dict[Effort, int] = {"fast": 0, "balanced": 5, "thorough": 10}
TEMPERATURE = 0.8


def sample(situation: Situation, generator: Generator | None) -> list[Proposal]:
    """Short answers drawn at a temperature; the seed is fixed, so that a question asked again gets the same."""
    count = SAMPLES[situation.effort]
    if generator is None or not count:
        return []
    replies = generator.generate(
        conversation(situation.thought),
        max_tokens=MAX_TOKENS,
        temperature=TEMPERATURE,
        n=count,
        seed=1,
        cancel=situation.cancel,
    )
    return proposals_of(replies, "probabilistic", family_of(generator))
