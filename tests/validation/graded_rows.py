"""Graded questions made by hand, and a scripted engine's answers to grade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alen.types import Answer, Candidate, Check, Evidence
from alen.validation.graded import Graded

PLAIN = Graded(
    id=0,
    question="Who lit it?",
    answers=("Rollo",),
    unanswerable=False,
    group="p1",
    text="Rollo",
    right=True,
    grounded=True,
    decision="answer",
    reason="confident: 0.80 reaches the threshold 0.50",
    confidence=0.8,
    interval=(0.7, 0.9),
    family="read",
    checks=(),
    rests_on=(),
    tokens=100,
    milliseconds=200.0,
)


def graded(number: int, confidence: float, right: bool, **changes: Any) -> Graded:
    """A question in a group of its own, given as the answer from a probability of 0.5 on."""
    decision = "answer" if confidence >= 0.5 else "abstain"
    made = replace(PLAIN, id=number, group=f"g{number}", confidence=confidence, right=right, decision=decision)
    return replace(made, **changes)


def answer(
    question: str,
    text: str | None,
    confidence: float = 0.8,
    *,
    evidence: tuple[Evidence, ...] = (),
    checks: tuple[Check, ...] = (),
    family: str = "read",
) -> Answer:
    """What an engine would say: given from a probability of 0.5 on; without a candidate when ``text`` is None."""
    candidates = ()
    if text is not None:
        candidates = (
            Candidate(text, ("read",), checks, 0.0, confidence, (confidence, confidence), evidence, {"family": family}),
        )
    given = text is not None and confidence >= 0.5
    return Answer(
        question,
        text if given else None,
        confidence if candidates else 0.0,
        (0.0, 1.0),
        "answer" if given else "abstain",
        "confident: so it is" if given else "too unsure: so it is",
        candidates,
        evidence,
        {"load": 5.0, "total": 10.0},
        tokens=7,
    )


def passage(name: str, text: str) -> Evidence:
    return Evidence(name, "passage", text, "kiln.md", None, 0, len(text), 0.9)
