"""Who takes part in the main job: ALEN through its engine, and any peer that can encode, learn, rank and answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from alen.benchmark.squad import Data
from alen.types import Answer

if TYPE_CHECKING:
    from alen.engine import Engine


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it is graded. ``text`` is what would be said without abstaining; ``confidence`` is None for a peer
    that has none; ``evidence`` names the passage that is shown first."""

    text: str | None
    answered: bool
    confidence: float | None = None
    decision: str = "answer"
    reason: str = ""
    operators: tuple[str, ...] = ()
    evidence: str | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


class Participant(Protocol):
    """``ask`` alone is timed per question; ``rank`` is asked outside the clock."""

    name: str

    def encode(self, texts: Sequence[str]) -> None: ...
    def teach(self, data: Data) -> None: ...
    def ask(self, question: str) -> Reply: ...
    def rank(self, question: str, count: int) -> list[str]:
        """External ids of passages, best first."""
        ...


class Alen:
    """ALEN as its users have it: the public engine, nothing switched off."""

    name = "alen"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ids_by_text: dict[str, str] = {}

    def encode(self, texts: Sequence[str]) -> None:
        self.engine.encoder.encode(list(texts))

    def teach(self, data: Data) -> None:
        self._ids_by_text = {text.strip(): name for name, text in data.passages.items()}
        for file in data.files:
            self.engine.teach(passages=Path(file))

    def ask(self, question: str) -> Reply:
        return reply_of(self.engine.ask(question))

    def rank(self, question: str, count: int) -> list[str]:
        vector = self.engine.encoder.encode([question])[0]
        found = self.engine.memory.recollect(question, vector, passages=count, episodes=0)
        return [self._external_id(hit.passage) for hit in found.passages]

    def _external_id(self, passage: Any) -> str:
        return passage.external_id or self._ids_by_text.get(passage.text.strip(), f"passage {passage.id}")


def reply_of(answer: Answer) -> Reply:
    """The best candidate of an answer, whether it was given or not."""
    best = answer.candidates[0] if answer.candidates else None
    shown = next((evidence.id for evidence in answer.evidence if evidence.kind == "passage"), None)
    return Reply(
        text=best.text if best else None,
        answered=answer.decision == "answer",
        confidence=answer.confidence,
        decision=answer.decision,
        reason=answer.reason,
        operators=best.operators if best else (),
        evidence=shown,
        timings_ms=dict(answer.timings_ms),
    )
