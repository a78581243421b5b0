"""How a language model spreads its belief over the options of a question: its own word, so independent of nothing that
it wrote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from alen.core.checks.looking import check
from alen.core.equivalence import equivalent
from alen.types import CancelToken, Check, Messages, Scorer

NAMES = ("option_share", "option_lead")


def of_options(logprobs: Sequence[float], chosen: int | None) -> list[Check]:
    """The natural log of the share that the option at place ``chosen`` has of all options together, and by how many
    nats it leads the likeliest other one. ``logprobs`` are those of each option as the whole reply. Not applicable
    where none was chosen or there is nothing to choose from."""
    if chosen is None or len(logprobs) < 2:
        return [check(name, None) for name in NAMES]
    top, own = max(logprobs), logprobs[chosen]
    total = top + math.log(sum(math.exp(value - top) for value in logprobs))
    rival = max(value for place, value in enumerate(logprobs) if place != chosen)
    return [check("option_share", own - total, -0.7), check("option_lead", own - rival, 1.0)]


def asked_of_options(
    messages: Messages,
    options: Sequence[str],
    answers: Sequence[str],
    scorer: Scorer,
    *,
    cancel: CancelToken | None = None,
) -> list[list[Check]]:
    """The checks of each answer, by how likely each option is after ``messages``, which must be those that the answers
    were written after: another question has another spread."""
    told = scorer.score(messages, options, cancel=cancel) if len(options) > 1 else []
    logprobs = [sum(each) for each in told]
    return [of_options(logprobs, option_of(answer, options)) for answer in answers]


def option_of(answer: str, options: Sequence[str]) -> int | None:
    """The place of the option that an answer chooses, by its words or its letter; None when it chooses none."""
    known = tuple(options)
    return next((place for place, option in enumerate(known) if equivalent(answer, option, options=known)), None)
