"""Checks of what a language model wrote: how sure it was of its words, how many of its replies say the same, and
whether the working in a reply adds up.

The first two look at one model's own numbers, so none of them is independent of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from alen.core.checks.looking import check, type_fits
from alen.core.checks.of_working import of_working
from alen.thought import ThoughtState
from alen.types import Check, Completion


def of_writings(
    thought: ThoughtState, texts: Sequence[str], replies: Sequence[Completion], groups: Sequence[int]
) -> list[list[Check]]:
    """The checks of each reply. ``texts`` are the answers in them, ``groups`` says which of them say the same."""
    votes = Counter(groups)
    total = len(replies)
    spread = -sum(count / total * math.log(count / total) for count in votes.values())
    found = []
    for text, reply, group in zip(texts, replies, groups, strict=True):
        rivals = [count for other, count in votes.items() if other != group]
        agreement = (votes[group] - 1) / (total - 1) if total > 1 else None
        found.append(
            [
                *of_words(reply),
                check("votes", agreement, 0.5),
                check("votes_lead", (votes[group] - max(rivals, default=0)) / total if total > 1 else None, 0.2),
                check("unanimity", -spread if total > 1 else None, -0.7),
                check("sure_and_agreed", _sure_and_agreed(reply, agreement), -2.0),
                *of_form(thought, text),
                *of_working(thought.text, reply.text),
            ]
        )
    return found


def of_words(reply: Completion) -> list[Check]:
    """How likely the words were to the model that wrote them."""
    told = reply.logprobs
    return [
        check("likelihood", sum(told) / len(told) if told else None, -0.7),
        check("joint_likelihood", sum(told) if told else None, -3.0),
        check("weakest_token", min(told) if told else None, -1.5),
        check("first_token_lead", reply.margins[0] if reply.margins else None, 1.0),
        check("certainty", -sum(reply.entropies) / len(reply.entropies) if reply.entropies else None, -1.0),
    ]


def of_form(thought: ThoughtState, text: str) -> list[Check]:
    """Whether an answer looks like one."""
    fits = type_fits(thought.answer_type, text)
    return [
        check("type", None if fits is None else float(fits), 1.0),
        check("brevity", -float(len(text.split())), -8.0),
    ]


def _sure_and_agreed(reply: Completion, agreement: float | None) -> float | None:
    """Minus the surprise of the reply times the share of replies that say something else (CoCoA: Vashurin et al., 2025,
    "Uncertainty quantification for LLMs through minimum Bayes risk: bridging confidence and consistency")."""
    if agreement is None or not reply.logprobs:
        return None
    return sum(reply.logprobs) * (1.0 - agreement)
