"""Intuitive: what the language model says at once."""

from __future__ import annotations

from alen.core.operators.writing import MAX_TOKENS, conversation, family_of, proposals_of
from alen.core.situation import Proposal, Situation
from alen.types import Generator


def answer_at_once(situation: Situation, generator: Generator | None) -> list[Proposal]:
    """The likeliest short answer, with nothing but the question."""
    if generator is None:
        return []
    messages = conversation(situation.thought)
    replies = generator.generate(messages, max_tokens=MAX_TOKENS, cancel=situation.cancel)
    return proposals_of(replies, "intuitive", family_of(generator))
