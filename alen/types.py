"""Values that cross rooms, all frozen, and the Protocols through which the engine injects what a room needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

from alen import explanation
from alen.remembered import Episode as Episode
from alen.remembered import EpisodeHit as EpisodeHit
from alen.remembered import Passage as Passage
from alen.remembered import PassageDraft as PassageDraft
from alen.remembered import PassageHit as PassageHit
from alen.remembered import Recollection as Recollection
from alen.remembered import Tier as Tier
from alen.remembered import Told, known, names

if TYPE_CHECKING:
    import numpy as np

Decision = Literal["answer", "candidates", "abstain"]
Messages = Sequence[Mapping[str, str]]
"""A conversation: each message has a ``role`` (system, user or assistant) and its ``content``."""

CheckStatus = Literal["pass", "fail", "not_applicable"]
Effort = Literal["fast", "balanced", "thorough"]

IndexName = Literal["local", "pgvector"]
"""Where vectors are searched: in files that each machine makes for itself, or in PostgreSQL by pgvector."""


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
    model did not tell. ``quoted`` says how many tokens were drafted from which of the texts it was given to quote."""

    text: str
    tokens: int
    prompt_tokens: int
    finish_reason: str
    logprobs: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()
    token_ids: tuple[int, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    quoted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check(Told):
    """One look at a candidate. ``value`` is oriented "higher = more likely right"; None when not applicable.
    ``contribution`` is what it adds to the log-odds of being right; None before it was weighed. ``weight`` is what one
    standard deviation more of it adds; None where none was fitted."""

    name: str
    status: CheckStatus
    value: float | None = None
    contribution: float | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence(Told):
    """Something an answer rests on. ``kind`` is ``passage``, ``episode`` or ``derivation``."""

    id: str
    kind: str
    text: str
    source: str
    page: int | None
    start: int
    end: int
    score: float


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

    def to_json(self, *, whole: bool = False) -> dict[str, Any]:
        """``whole`` adds the interval and the evidence."""
        told = {
            "text": self.text,
            "confidence": self.confidence,
            "energy": self.energy,
            "operators": list(self.operators),
            "family": self.detail.get("family"),
            "checks": [check.to_json() for check in self.checks],
        }
        evidence = [each.to_json() for each in self.evidence]
        return told | ({"interval": list(self.interval), "evidence": evidence} if whole else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave; of ``detail`` that is the family."""
        low, high = data.get("interval", (0.0, 1.0))
        return cls(
            data["text"],
            tuple(data["operators"]),
            tuple(Check.from_json(check) for check in data["checks"]),
            data["energy"],
            data["confidence"],
            (low, high),
            tuple(Evidence.from_json(each) for each in data.get("evidence", ())),
            {} if data["family"] is None else {"family": data["family"]},
        )


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

    def to_json(self, *, whole: bool = False) -> dict[str, Any]:
        """``whole``: each candidate with its interval and its evidence, so that nothing is lost."""
        return {
            "episode": self.episode,
            "question": self.question,
            "answer": self.text,
            "confidence": self.confidence,
            "interval": list(self.interval),
            "decision": self.decision,
            "reason": self.reason,
            "candidates": [candidate.to_json(whole=whole) for candidate in self.candidates],
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "timings_ms": self.timings_ms,
            "tokens": self.tokens,
            "session": self.session,
            "understood": self.understood,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        low, high = data["interval"]
        made = {
            "text": data["answer"],
            "interval": (low, high),
            "candidates": tuple(Candidate.from_json(each) for each in data["candidates"]),
            "evidence": tuple(Evidence.from_json(each) for each in data["evidence"]),
        }
        return cls(**known(cls, data) | made)


@dataclass(frozen=True, slots=True)
class Skipped(Told):
    """What was left out of a folder or a mailbox while the rest was taught: which file or message, and why."""

    path: str
    reason: str


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
        found = {name: getattr(self, name) for name in names(self)}
        return found | {"skipped": [each.to_json() for each in self.skipped]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**known(cls, data) | {"skipped": tuple(Skipped.from_json(each) for each in data["skipped"])})


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


@runtime_checkable
class TokenCounter(Protocol):
    """An encoder that tells how many tokens it reads of each text: its own marks with them, what it cuts off not."""

    def count_tokens(self, texts: list[str]) -> list[int]: ...


class Recaller(Protocol):
    """Memory as the reasoner sees it."""

    def recollect(
        self, question: str, vector: np.ndarray | None, *, passages: int, episodes: int, asked: str | None = None
    ) -> Recollection: ...


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
