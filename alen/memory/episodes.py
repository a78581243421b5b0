"""Episodes: questions with answers, taught by a person or asked of ALEN, and what becomes of them on feedback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput, UnknownEpisode
from alen.memory import log, namespaces, schema, spaces
from alen.memory.conversation import ensure_session
from alen.memory.identity import answer_hash, episode_hash, new_uid, now, question_hash
from alen.memory.store import Store
from alen.types import Encoder, TeachReport, Tier

BATCH = 256
"""Episodes that are encoded and committed together."""


@dataclass(frozen=True, slots=True)
class Taught:
    """One question and answer on its way into memory. Raises BadInput when a field holds what is not allowed."""

    question: str
    answer: str
    context: str | None = None
    tags: tuple[str, ...] = ()
    confidence: float = 1.0
    tier: Tier = "gold"
    source: str = "user"
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("question", "answer"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise BadInput(name, repr(value), "a text with at least one letter or digit", f"Write the {name}.")
        if self.tier not in get_args(Tier):
            raise BadInput("tier", repr(self.tier), ", ".join(get_args(Tier)), "What a person taught is gold.")
        if not 0.0 <= self.confidence <= 1.0:
            raise BadInput("confidence", str(self.confidence), "a number from 0 to 1", "1.0 is certain.")

    @property
    def content_hash(self) -> bytes:
        return episode_hash(self.question, self.answer, self.context)


def teach(
    store: Store,
    encoder: Encoder | None,
    namespace: str,
    rows: Sequence[Taught],
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[TeachReport, list[str]]:
    """Store what is new, each batch in one transaction. Also gives the id of every row, in order, old or new."""
    started = time.perf_counter()
    uids: list[str] = []
    stored = 0
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        with store.reading() as connection:
            number = namespaces.find(connection, namespace)
            known = {} if number is None else _uids(connection, number, [row.content_hash for row in part])
        fresh = {row.content_hash: row for row in part if row.content_hash not in known}
        vectors = encoded(encoder, [row.question for row in fresh.values()])
        if fresh:
            with store.writing() as connection:
                number = namespaces.ensure(connection, namespace)
                # Asked again inside the transaction: another process may have taught the same meanwhile.
                known |= _uids(connection, number, list(fresh))
                for (key, row), vector_D in zip(fresh.items(), vectors, strict=True):
                    if key not in known:
                        _, known[key] = insert(connection, encoder, number, row, vector_D)
                        stored += 1
        uids += [known[row.content_hash] for row in part]
        if progress is not None:
            progress("teaching", len(uids), len(rows))
    return TeachReport(stored, len(rows) - stored, 0, time.perf_counter() - started), uids


def insert(
    connection: sa.Connection,
    encoder: Encoder | None,
    namespace: int,
    row: Taught,
    vector_D: np.ndarray | None,
    supersedes: int | None = None,
) -> tuple[int, str]:
    """One taught episode: its row id and uid."""
    uid = new_uid()
    values = _columns(namespace, uid, row.question, row.answer, row.context, row.detail) | {
        "kind": "taught",
        "tier": row.tier,
        "confidence": row.confidence,
        "source": row.source,
        "content_hash": row.content_hash,
        "supersedes_id": supersedes,
        "embedded": vector_D is not None,
    }
    item = schema.insert(connection, schema.episode, values)
    tags = [{"episode_id": item, "tag": tag} for tag in dict.fromkeys(row.tags)]
    if tags:
        connection.execute(sa.insert(schema.episode_tag), tags)
    embed(connection, encoder, namespace, item, vector_D)
    return item, uid


def embed(
    connection: sa.Connection, encoder: Encoder | None, namespace: int, item: int, vector_D: np.ndarray | None
) -> None:
    """Make an episode findable by its question's vector."""
    if encoder is not None and vector_D is not None:
        spaces.write(connection, spaces.ensure(connection, encoder)["question"], [(item, vector_D)])
    log.append(connection, namespace, "episode", [item], "upsert")


def record_answer(store: Store, namespace: str, answer: Mapping[str, Any], session: str | None) -> str:
    """See ``EpisodicMemory.record_answer``."""
    question, text = answer["question"], answer["answer"]
    uid = new_uid()
    with store.writing() as connection:
        number = namespaces.ensure(connection, namespace)
        values = _columns(number, uid, question, text, None, answer) | {
            "kind": "asked",
            "tier": "unverified",
            "confidence": min(1.0, max(0.0, float(answer["confidence"]))),
            "source": "model",
            "content_hash": episode_hash(question, text, None),
            "session_id": None if session is None else ensure_session(connection, number, session)[1],
            "embedded": False,
        }
        item = schema.insert(connection, schema.episode, values)
        parents = _parents(connection, number, answer.get("evidence") or ())
        rows = [{"child_id": item, "parent_kind": kind, "parent_id": parent} for kind, parent in parents]
        if rows:
            connection.execute(sa.insert(schema.derived_from), rows)
    return uid


def row_of(connection: sa.Connection, namespace: int | None, uid: str) -> sa.Row[Any]:
    """The row of an episode. Raises UnknownEpisode."""
    found = None
    if namespace is not None:
        sql = "SELECT e.* FROM episode e WHERE e.namespace_id = ? AND e.uid = ?"
        found = connection.exec_driver_sql(sql, (namespace, uid)).first()
    if found is None:
        raise UnknownEpisode(
            "episode", repr(uid), "the id of an answer or taught episode of this namespace", "Copy it from an answer."
        )
    return found


def taught_uid(connection: sa.Connection, namespace: int, key: bytes) -> str | None:
    """The id of the taught episode with this content hash."""
    return _uids(connection, namespace, [key]).get(key)


def _columns(
    namespace: int, uid: str, question: str, answer: str | None, context: str | None, detail: Mapping[str, Any]
) -> dict[str, Any]:
    moment = now()
    return {
        "uid": uid,
        "namespace_id": namespace,
        "question": question,
        "answer": answer,
        "context": context,
        "detail_json": json.dumps(detail, ensure_ascii=False),
        "question_hash": question_hash(question),
        "answer_hash": None if answer is None else answer_hash(answer),
        "status": "active",
        "valid_from": moment,
        "created_at": moment,
        "updated_at": moment,
    }


def _uids(connection: sa.Connection, namespace: int, hashes: Sequence[bytes]) -> dict[bytes, str]:
    marks = ", ".join("?" * len(hashes))
    sql = (
        "SELECT content_hash, uid FROM episode WHERE namespace_id = ? AND kind = 'taught' "
        f"AND status <> 'superseded' AND content_hash IN ({marks})"
    )
    return {row[0]: row[1] for row in connection.exec_driver_sql(sql, (namespace, *hashes))}


def encoded(encoder: Encoder | None, questions: list[str]) -> Sequence[np.ndarray | None]:
    if encoder is None or not questions:
        return [None] * len(questions)
    return list(spaces.encode(encoder, questions))


def _parents(connection: sa.Connection, namespace: int, evidence: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """What an answer rests on, as (kind, id), of the evidence that is stored in this namespace."""
    found = []
    for piece in evidence:
        kind, name = str(piece.get("kind")), str(piece.get("id"))
        column = {"passage": "id", "episode": "uid"}.get(kind)
        if column is None:
            continue
        value = name.removeprefix("p") if kind == "passage" else name
        sql = f"SELECT id FROM {kind} WHERE namespace_id = ? AND {column} = ?"
        number = connection.exec_driver_sql(sql, (namespace, value)).scalar()
        if number is not None:
            found.append((kind, number))
    return list(dict.fromkeys(found))
