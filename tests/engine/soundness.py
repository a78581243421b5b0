"""What holds of every answer of an engine, whatever was taught and asked."""

from __future__ import annotations

from alen.engine import Engine
from alen.types import Answer


def is_sound(engine: Engine, answer: Answer, threshold: float = 0.5) -> None:
    """The decision follows from the probability, and each probability from the checks by the map that was fitted: no
    text has a say in it."""
    assert 0.0 <= answer.interval[0] <= answer.confidence <= answer.interval[1] <= 1.0
    assert (answer.decision == "answer") == bool(answer.candidates and answer.confidence >= threshold)
    assert (answer.text is None) == (answer.decision != "answer")
    belief = engine.belief()
    for candidate in answer.candidates:
        _, p, interval = belief.weigh(candidate.detail["family"], candidate.checks)
        assert (candidate.confidence, candidate.interval) == (p, interval)
    assert answer.explain()
