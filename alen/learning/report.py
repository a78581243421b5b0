"""What came of learning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LearningReport:
    """``tokens`` were predicted in all, in ``steps`` updates. Losses are means of what is learnt, in nats a token,
    ``before`` and ``after``; ``past_before`` and ``past_after`` tell of what is not to be forgotten, None where there
    was nothing. When ``kept`` is false forgetting went beyond its bound, and the weights are what they were; below a
    ``strength`` of 1 what was learnt was weakened to keep to it."""

    tokens: int
    steps: int
    seconds: float
    before: float
    after: float
    past_before: float | None = None
    past_after: float | None = None
    kept: bool = True
    strength: float = 1.0
    stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
