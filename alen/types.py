"""Values that cross rooms, all frozen, and the Protocols through which the engine injects what a room needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from alen import explanation

if TYPE_CHECKING:
    import numpy as np

Tier = Literal["gold", "proved", "certified", "unverified"]
"""How an episode earned its place: a person said so, a proof, a statistical certificate, or nothing yet."""

Decision = Literal["answer", "candidates", "abstain"]
Messages = Sequence[Mapping[str, str]]
"""A conversation: each message has a ``role`` (system, user or assistant) and its ``content``."""

CheckStatus = Literal["pass", "fail", "not_applicable"]
Effort = Literal["fast", "balanced", "thorough"]

IndexName = Literal["local", "pgvector"]
"""Where vectors are searched: in files that each machine makes for itself, or in PostgreSQL by pgvector."""


@dataclass(frozen=True, slots=True)
class PassageDraft:
    """A passage before it is stored. ``start``/``end`` are character offsets in the source document;
    ``sentences`` are (start, end) offsets inside ``text``."""

    text: str
    start: int = 0
    end: int = 0
    title: str | None = None
    page: int | None = None
    external_id: str | None = None
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stored passage with its citation."""

    id: int
    text: str
    source: str
    title: str | None = None
    page: int | None = None
    start: int = 0
    end: int = 0
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """A stored question and answer: taught (``source='user'``) or produced by ALEN (``source='model'``)."""

    id: str
    question: str
    answer: str | None
    context: str | None
    tier: Tier
    source: str
    confidence: float
    created_at: str
    status: str = "active"
    tags: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassageHit:
    """``score`` is the fused score in 0..1. ``sentence`` is the best matching sentence's (start, end) in the
    passage. ``explain`` holds the parts: bm25, dense, sentence (raw) and their ranks."""

    passage: Passage
    score: float
    sentence: tuple[int, int] | None = None
    explain: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EpisodeHit:
    """``exact`` is true when the normalised question is the same text. ``score`` is the cosine similarity."""

    episode: Episode
    score: float
    exact: bool = False
    explain: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recollection:
    """What memory brings to a question, best first; ``refused`` are answers to this very question that a person has
    called wrong."""

    passages: tuple[PassageHit, ...] = ()
    episodes: tuple[EpisodeHit, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage.

    ``text`` is a verbatim span ``passage[start:end]``, the best one even when the reader thinks there is none; a reader
    that writes may also give a text that stands nowhere in the passage, with ``start`` and ``end`` 0, or none at all.
    ``logprob`` is the sum over its tokens and end mark (natural log), given that there is an answer;
    ``min_logprob`` that of its least likely token; ``margin`` the log-probability gap between the best and the
    second first token; ``answerable`` log-odds that the passage answers the question at all. Each is None when the
    model does not tell."""

    text: str
    start: int
    end: int
    logprob: float | None
    min_logprob: float | None
    margin: float | None
    answerable: float | None
    tokens: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Generated text. ``finish_reason`` is ``stop``, ``length`` or ``cancelled``.

    ``logprobs`` are those of its tokens (natural log, before temperature and filters); ``margins`` by how much the
    likeliest token led the second at each step, ``entropies`` (nats) how spread the choice was. Each is empty when the
    model did not tell."""

    text: str
    tokens: int
    prompt_tokens: int
    finish_reason: str
    logprobs: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()
    token_ids: tuple[int, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One look at a candidate. ``value`` is oriented "higher = more likely right"; None when not applicable.
    ``contribution`` is what it adds to the log-odds of being right; None before it was weighed. ``weight`` is what one
    standard deviation more of it adds; None where none was fitted."""

    name: str
    status: CheckStatus
    value: float | None = None
    contribution: float | None = None
    weight: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something an answer rests on. ``kind`` is ``passage``, ``episode`` or ``derivation``."""

    id: str
    kind: str
    text: str
    source: str
    page: int | None
    start: int
    end: int
    score: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed answer. ``energy`` is minus the log-odds of being right; ``confidence`` the calibrated
    probability; ``evidence`` what its operator used."""

    text: str
    operators: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    energy: float = 0.0
    confidence: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    evidence: tuple[Evidence, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "confidence": self.confidence,
            "energy": self.energy,
            "operators": list(self.operators),
            "family": self.detail.get("family"),
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``ask`` returns. ``text`` is None unless ``decision`` is ``"answer"``; ``candidates[0]`` is the
    answer it would give without abstaining and ``confidence`` is its probability, also when abstaining.
    ``understood`` is the question with what earlier turns of a conversation add to it, where they add anything."""

    question: str
    text: str | None
    confidence: float
    interval: tuple[float, float]
    decision: Decision
    reason: str
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    episode: str | None = None
    session: str | None = None
    understood: str | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks of the best candidate."""
        return self.candidates[0].checks if self.candidates else ()

    def explain(self) -> str:
        """Every check with its value, its weight and what it added to the log-odds, the evidence, what was refused and
        why."""
        return "\n".join(explanation.lines(self))

    def to_json(self) -> dict[str, Any]:
        return {
            "episode": self.episode,
            "question": self.question,
            "answer": self.text,
            "confidence": self.confidence,
            "interval": list(self.interval),
            "decision": self.decision,
            "reason": self.reason,
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "timings_ms": self.timings_ms,
            "tokens": self.tokens,
            "session": self.session,
            "understood": self.understood,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was left out of a folder or a mailbox while the rest was taught: which file or message, and why."""

    path: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class TeachReport:
    """What teaching did: rows stored, rows already there, passages of an older version retired, seconds, and what was
    skipped because it could not be read."""

    stored: int
    duplicates: int
    retired: int
    seconds: float
    skipped: tuple[Skipped, ...] = ()

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return found | {"skipped": [each.to_json() for each in self.skipped]}


@runtime_checkable
class Encoder(Protocol):
    """Turns text into unit vectors. ``fingerprint`` changes whenever the vectors would."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length."""
        ...


class Recaller(Protocol):
    """Memory as the reasoner sees it."""

    def recollect(self, question: str, vector: np.ndarray | None, *, passages: int, episodes: int) -> Recollection: ...


class Reader(Protocol):
    """Finds the span of a passage that answers a question. ``family`` names the calibration that was fitted to readings
    of this reader: "read" is the one that ships, for the reader that ships; "read:" and the fingerprint any other."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def family(self) -> str: ...
    def read(self, question: str, passages: Sequence[str], *, cancel: CancelToken | None = None) -> list[Reading]: ...


class Generator(Protocol):
    """A language model that writes. Models of one ``family`` make the same mistakes; agreement between two families
    says more than agreement within one. ``fingerprint`` changes whenever the texts would."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    def generate(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        n: int = 1,
        seed: int = 0,
        stop: Sequence[str] = (),
        cancel: CancelToken | None = None,
    ) -> list[Completion]:
        """``n`` replies to a conversation. With temperature 0 all are the likeliest one."""
        ...


class Scorer(Protocol):
    """A language model that says how likely a text is."""

    def score(
        self, messages: Messages, replies: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """For each reply to a conversation the natural log of the probability of each of its tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """A model that the core may ask: who writes, and who says how likely a text is, where the model can tell."""

    generator: Generator
    scorer: Scorer | None


class CancelToken(Protocol):
    """``threading.Event`` is one: work stops within a token after ``set()``."""

    def is_set(self) -> bool: ...
