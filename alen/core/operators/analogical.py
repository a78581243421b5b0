"""Analogical: the language model answers after the nearest taught questions, which show it what is asked for."""

from __future__ import annotations

from alen.core.operators.writing import MAX_TOKENS, conversation, family_of, proposals_of
from alen.core.situation import Proposal, Situation, taught_evidence
from alen.types import Generator


def answer_by_example(situation: Situation, generator: Generator | None) -> list[Proposal]:
    """Nothing without taught questions: it would be the intuitive answer again."""
    known = [hit for hit in situation.recollection.episodes if hit.episode.answer and not hit.exact]
    if generator is None or not known:
        return []
    # The nearest comes last, right before the question.
    examples = [(hit.episode.question, hit.episode.answer or "") for hit in reversed(known)]
    messages = conversation(situation.thought, examples=examples)
    evidence = tuple(taught_evidence(hit) for hit in known)
    replies = generator.generate(messages, max_tokens=MAX_TOKENS, cancel=situation.cancel)
    return proposals_of(replies, "analogical", family_of(generator), evidence)
