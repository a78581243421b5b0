"""What operators look at, what they may use, and what they propose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alen.core import contradiction
from alen.thought import ThoughtState
from alen.types import (
    CancelToken,
    Candidate,
    Check,
    Completion,
    Effort,
    Encoder,
    EpisodeHit,
    Evidence,
    Generator,
    PassageHit,
    Reader,
    Recollection,
    Scorer,
)


@dataclass(frozen=True)
class Situation:
    """What an operator may look at."""

    thought: ThoughtState
    recollection: Recollection
    effort: Effort = "balanced"
    cancel: CancelToken | None = None


@dataclass(frozen=True)
class Proposal:
    """A candidate before it is weighed. ``family`` names the energy that weighs it; ``writing`` is what a language
    model wrote, for the checks that look at it; ``interval`` counts where the operator itself knows one."""

    text: str
    operator: str
    family: str
    checks: tuple[Check, ...]
    evidence: tuple[Evidence, ...]
    tokens: int = 0
    detail: dict[str, object] = field(default_factory=dict)
    writing: Completion | None = None
    interval: tuple[float, float] | None = None

    def weighed(self, energy: float, confidence: float, interval: tuple[float, float]) -> Candidate:
        detail = {**self.detail, "family": self.family}
        if self.interval is not None:
            low, high = (contradiction.shared(end, self.checks) for end in self.interval)
            interval = (low, high)
        return Candidate(self.text, (self.operator,), self.checks, energy, confidence, interval, self.evidence, detail)


@dataclass(frozen=True)
class Solved:
    """A sub-question and the answer that was verified for it."""

    question: str
    answer: str
    confidence: float
    interval: tuple[float, float]
    evidence: tuple[Evidence, ...]
    tokens: int = 0


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Tools:
    """What operators may use. Models are loaded by the first call; None where there is none.

    ``reader`` points at spans of passages, ``generator`` writes, ``scorer`` says how likely a text is, ``encoder`` how
    near two are in meaning, ``second`` is a model of another family; ``solve`` answers a sub-question from memory and
    gives None when it would abstain.
    ``ask_back`` also asks the scorer for checks that nothing was fitted to yet: to fit them."""

    reader: Callable[[], Reader | None] = _nothing
    generator: Callable[[], Generator | None] = _nothing
    scorer: Callable[[], Scorer | None] = _nothing
    encoder: Callable[[], Encoder | None] = _nothing
    second: Callable[[], Generator | None] = _nothing
    solve: Callable[[str], Solved | None] | None = None
    ask_back: bool = False


def as_evidence(hit: PassageHit) -> Evidence:
    """A recalled passage as evidence, cited by source, page and characters."""
    passage = hit.passage
    source = passage.source if not passage.title else f"{passage.source} · {passage.title}"
    return Evidence(
        str(passage.external_id or passage.id),
        "passage",
        passage.text,
        source,
        passage.page,
        passage.start,
        passage.end or passage.start + len(passage.text),
        round(hit.score, 5),
    )


def taught_evidence(hit: EpisodeHit) -> Evidence:
    """A recalled question with its answer as evidence, cited by where it came from."""
    episode = hit.episode
    text = f"{episode.question} — {episode.answer}"
    return Evidence(episode.id, "episode", text, episode.source, None, 0, 0, hit.score)
