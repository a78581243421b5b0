"""What memory holds, and what it finds: frozen values that cross rooms, and how values are told in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Tier = Literal["gold", "proved", "certified", "unverified"]
"""How an episode earned its place: a person said so, a proof, a statistical certificate, or nothing yet."""


class Told:
    """Values that are told in JSON field by field."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave; fields of a later version are left out."""
        return cls(**known(cls, data))


def names(value: Any) -> tuple[str, ...]:
    return tuple(value.__dataclass_fields__)


def known(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in names(kind) if name in data}


@dataclass(frozen=True, slots=True)
class PassageDraft(Told):
    """A passage before it is stored. ``start``/``end`` are character offsets in the source document;
    ``sentences`` are (start, end) offsets inside ``text``."""

    text: str
    start: int = 0
    end: int = 0
    title: str | None = None
    page: int | None = None
    external_id: str | None = None
    sentences: tuple[tuple[int, int], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        sentences = tuple((start, end) for start, end in data.get("sentences", ()))
        return cls(**known(cls, data) | {"sentences": sentences})


@dataclass(frozen=True, slots=True)
class Passage(Told):
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
class Episode(Told):
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

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**known(cls, data) | {"tags": tuple(data["tags"])})


@dataclass(frozen=True, slots=True)
class PassageHit:
    """``score`` is the fused score in 0..1. ``sentence`` is the best matching sentence's (start, end) in the
    passage. ``explain`` holds the parts: bm25, dense, sentence (raw) and their ranks."""

    passage: Passage
    score: float
    sentence: tuple[int, int] | None = None
    explain: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in names(self)}
        return {"kind": "passage", **found, "passage": self.passage.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        sentence = data["sentence"] and (data["sentence"][0], data["sentence"][1])
        return cls(Passage.from_json(data["passage"]), data["score"], sentence, data["explain"])


@dataclass(frozen=True, slots=True)
class EpisodeHit:
    """``exact`` is true when the normalised question is the same text. ``score`` is the cosine similarity."""

    episode: Episode
    score: float
    exact: bool = False
    explain: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in names(self)}
        return {"kind": "episode", **found, "episode": self.episode.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(Episode.from_json(data["episode"]), data["score"], data["exact"], data["explain"])


@dataclass(frozen=True, slots=True)
class Recollection:
    """What memory brings to a question, best first; ``refused`` are answers to this very question that a person has
    called wrong."""

    passages: tuple[PassageHit, ...] = ()
    episodes: tuple[EpisodeHit, ...] = ()
    refused: tuple[str, ...] = ()
