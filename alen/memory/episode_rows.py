"""Writing taught episodes: many at a time, in the tables, the log and the vectors, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import faults, lexical, log, schema, spaces
from alen.memory.identity import answer_hash, checked_text, episode_hash, later, new_uid, now, question_hash
from alen.memory.sql import run
from alen.types import Encoder, Tier

_COLUMNS = (
    "id", "uid", "namespace_id", "kind", "question", "answer", "context", "tier", "confidence", "source",
    "detail_json", "content_hash", "question_hash", "answer_hash", "status", "supersedes_id", "valid_from",
    "created_at", "updated_at", "expires_at", "embedded", "idempotency_key",
)  # fmt: skip
_INSERT = f"INSERT INTO episode({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


LONGEST_SECONDS = 1e11
"""Three thousand years."""


def packed(detail: Mapping[str, Any]) -> str:
    """As JSON. Raises BadInput for what is none."""
    try:
        return json.dumps(dict(detail), ensure_ascii=False, allow_nan=False) if detail else "{}"
    except (TypeError, ValueError) as error:
        raise BadInput("detail", str(error)[:80], "an object of what JSON knows", "Make texts of the rest.") from None


@dataclass(frozen=True, slots=True)
class Taught:
    """One question and answer on its way into memory. ``vector`` is the question's, when it is known. Raises BadInput
    when a field holds what is not allowed."""

    question: str
    answer: str
    context: str | None = None
    tags: tuple[str, ...] = ()
    confidence: float = 1.0
    tier: Tier = "gold"
    source: str = "user"
    detail: Mapping[str, Any] = field(default_factory=dict)
    ttl: float | None = None
    idempotency_key: str | None = None
    vector: np.ndarray | None = field(default=None, compare=False, repr=False)
    content_hash: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("question", "answer", "source"):
            checked_text(name, getattr(self, name))
        if self.context is not None:
            checked_text("context", self.context, empty=True)
        for tag in self.tags:
            checked_text("tags", tag)
        if self.tier not in get_args(Tier):
            raise BadInput("tier", repr(self.tier), ", ".join(get_args(Tier)), "What a person taught is gold.")
        if not (isinstance(self.confidence, int | float) and 0.0 <= self.confidence <= 1.0):
            raise BadInput("confidence", repr(self.confidence)[:80], "a number from 0 to 1", "1.0 is certain.")
        if self.ttl is not None and not (isinstance(self.ttl, int | float) and abs(self.ttl) < LONGEST_SECONDS):
            raise BadInput("ttl", repr(self.ttl)[:80], f"seconds, less than {LONGEST_SECONDS:g}", "None keeps it.")
        packed(self.detail)
        object.__setattr__(self, "content_hash", episode_hash(self.question, self.answer, self.context))


def insert(
    connection: sa.Connection,
    encoder: Encoder | None,
    namespace: int,
    rows: Sequence[Taught],
    vectors: Sequence[np.ndarray | None],
    supersedes: int | None = None,
) -> list[str]:
    """The uids of the rows, which are all new. Needs a write transaction."""
    if not rows:
        return []
    moment = now()
    items = schema.reserve(connection, schema.episode, len(rows))
    uids = [new_uid() for _ in rows]
    values = [
        (
            item, uid, namespace, "taught", row.question, row.answer, row.context, row.tier, row.confidence, row.source,
            packed(row.detail), row.content_hash,
            question_hash(row.question), answer_hash(row.answer), "active", supersedes, moment, moment, moment,
            None if row.ttl is None else later(row.ttl), vector_D is not None, row.idempotency_key,
        )
        for item, uid, row, vector_D in zip(items, uids, rows, vectors, strict=True)
    ]  # fmt: skip
    run(connection, _INSERT, values)
    lexical.index_new(connection, items[0], items[-1])
    faults.reach("teach:inserted")
    tags = [(item, tag) for item, row in zip(items, rows, strict=True) for tag in dict.fromkeys(row.tags)]
    if tags:
        run(connection, "INSERT INTO episode_tag(episode_id, tag) VALUES (?, ?)", tags)
    embed(connection, encoder, namespace, items, vectors)
    faults.reach("teach:logged")
    return uids


def embed(
    connection: sa.Connection,
    encoder: Encoder | None,
    namespace: int,
    items: Sequence[int],
    vectors: Sequence[np.ndarray | None],
) -> None:
    """Make episodes findable by the vectors of their questions, as far as there are any."""
    known = [(item, vector_D) for item, vector_D in zip(items, vectors, strict=True) if vector_D is not None]
    if encoder is not None and known:
        spaces.write(connection, spaces.ensure(connection, encoder)["question"], known)
    log.append(connection, namespace, "episode", items, "upsert")


def encoded(encoder: Encoder | None, rows: Sequence[Taught]) -> list[np.ndarray | None]:
    """The vectors that came with the rows, and new ones for the others; None where there is no encoder.

    Raises BadInput for a vector that does not fit the encoder."""
    if encoder is None:
        if any(row.vector is not None for row in rows):
            raise BadInput("vector", "a vector, without an encoder", "none", "Open the memory with its encoder.")
        return [None] * len(rows)
    found: list[np.ndarray | None] = [row.vector for row in rows]
    given = [place for place, vector_D in enumerate(found) if vector_D is not None]
    if given:
        checked_ND = spaces.stacked(found[place] for place in given)
        spaces.checked(checked_ND, (len(given), encoder.dim), "vector")
    missing = [place for place, vector_D in enumerate(found) if vector_D is None]
    if missing:
        for place, vector_D in zip(missing, spaces.encode(encoder, [rows[k].question for k in missing]), strict=True):
            found[place] = vector_D
    return found
