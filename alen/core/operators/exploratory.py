"""Exploratory: the same question put otherwise: to a model of another family, and with its options in another order."""

from __future__ import annotations

from dataclasses import replace

from alen.core.operators.writing import MAX_TOKENS, conversation, family_of, proposals_of
from alen.core.situation import Proposal, Situation
from alen.thought import LETTERS, with_options
from alen.types import Generator


def ask_otherwise(situation: Situation, generator: Generator | None, second: Generator | None) -> list[Proposal]:
    """What the second model says, if there is one; and what the first says when the options change places."""
    found: list[Proposal] = []
    if second is not None:
        replies = second.generate(conversation(situation.thought), max_tokens=MAX_TOKENS, cancel=situation.cancel)
        found += proposals_of(replies, "exploratory", family_of(second))
    options = situation.thought.options
    if generator is not None and len(options) > 1:
        turned = options[1:] + options[:1]
        question = with_options(situation.thought.text, turned)
        messages = conversation(situation.thought, question=question)
        replies = generator.generate(messages, max_tokens=MAX_TOKENS, cancel=situation.cancel)
        found += [
            replace(proposal, text=_unturned(proposal.text, turned))
            for proposal in proposals_of(replies, "exploratory", family_of(generator))
        ]
    return found


def _unturned(answer: str, turned: tuple[str, ...]) -> str:
    """A letter names another option now: the option itself is the answer."""
    letter = answer.strip("() .").upper()
    return turned[LETTERS.index(letter)] if letter in LETTERS[: len(turned)] and len(letter) == 1 else answer
