"""What operators have in common that ask a language model to write: the conversation, and the answer in its reply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from alen.core.first_person import speak_safely
from alen.core.situation import Proposal
from alen.thought import ThoughtState
from alen.types import Completion, Evidence, Generator

MAX_TOKENS = 32
"""Of a short answer."""

_SYSTEM = "Answer the question with the answer alone, in a few words."
_OPENING = re.compile(r"^(?:the )?(?:correct |right |final |short |best )?answer(?: is|:)\s*:?\s*", re.I)


def conversation(
    thought: ThoughtState,
    *,
    examples: Iterable[tuple[str, str]] = (),
    question: str | None = None,
    system: str = _SYSTEM,
) -> list[dict[str, str]]:
    """The question after some that were answered before."""
    messages = [{"role": "system", "content": system}]
    for asked, answer in examples:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return [*messages, {"role": "user", "content": question or thought.text}]


def answer_of(reply: str) -> str:
    """The first line that says something, without "The answer is" and the final stop."""
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    text = _OPENING.sub("", lines[0], count=1) if lines else ""
    text = text.strip().strip("\"'“”*` ")
    return text.removesuffix(".") if text.count(".") == 1 else text


def family_of(generator: Generator) -> str:
    """The energy that weighs what a model writes was fitted to this model alone."""
    return f"write:{generator.fingerprint[:12]}"


def proposals_of(
    completions: Sequence[Completion], operator: str, family: str, evidence: tuple[Evidence, ...] = ()
) -> list[Proposal]:
    """A candidate for each reply that says something. The prompt was read once for all of them.

    What a model writes must not claim a mind of its own: such claims are taken out before anything is weighed."""
    found = []
    for place, completion in enumerate(completions):
        text = answer_of(speak_safely(completion.text, strict=True).text)
        if text:
            tokens = completion.tokens + (completion.prompt_tokens if place == 0 else 0)
            found.append(Proposal(text, operator, family, (), evidence, tokens, writing=completion))
    return found
