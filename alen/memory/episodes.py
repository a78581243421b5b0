"""Episodes: questions with answers, taught by a person or asked of ALEN, and what becomes of them on feedback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput, UnknownEpisode
from alen.memory import log, loop_guard, namespaces, schema
from alen.memory.conversation import ensure_session
from alen.memory.episode_rows import Taught, encoded, insert
from alen.memory.identity import answer_hash, episode_hash, later, new_uid, now, question_hash
from alen.memory.sql import chunks, marks, run
from alen.memory.store import Store
from alen.types import Encoder, TeachReport

BATCH = 256
"""Episodes that are encoded and committed together at first; more of them, up to ``BATCH_AT_MOST``, while that takes
less than ``BATCH_SECONDS``: a large transaction costs less a row, a long one loses more when it is cut off."""

BATCH_AT_MOST = 4096
BATCH_SECONDS = 0.5


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
    size = BATCH
    while len(uids) < len(rows):
        began = time.perf_counter()
        found, new = _teach(store, encoder, namespace, rows[len(uids) : len(uids) + size])
        uids += found
        stored += new
        if progress is not None:
            progress("teaching", len(uids), len(rows))
        if time.perf_counter() - began < BATCH_SECONDS / 2:
            size = min(2 * size, BATCH_AT_MOST)
    return TeachReport(stored, len(rows) - stored, 0, time.perf_counter() - started), uids


def _teach(store: Store, encoder: Encoder | None, namespace: str, rows: Sequence[Taught]) -> tuple[list[str], int]:
    known: dict[bytes, str] = {}
    if encoder is not None and any(row.vector is None for row in rows):
        # What is there already, and has not run out, need not be encoded.
        with store.reading() as connection:
            number = namespaces.find(connection, namespace)
            if number is not None:
                known = _uids(connection, number, [row.content_hash for row in rows], since=now())
    fresh = [row for row in {row.content_hash: row for row in reversed(rows)}.values() if row.content_hash not in known]
    fresh.reverse()
    vectors = encoded(encoder, fresh)
    new: list[Taught] = []
    if fresh or any(row.idempotency_key for row in rows):
        with store.writing() as connection:
            number = namespaces.ensure(connection, namespace)
            # Asked again inside the transaction: another process may have taught the same meanwhile.
            known |= _uids(connection, number, [row.content_hash for row in fresh])
            _revive(connection, number, fresh)
            by_key = _by_key(connection, number, rows)
            known |= loop_guard.remembered(connection, number, fresh, vectors)
            pairs = [
                (row, vector_D)
                for row, vector_D in zip(fresh, vectors, strict=True)
                if row.content_hash not in known and row.idempotency_key not in by_key
            ]
            new = [row for row, _ in pairs]
            inserted = insert(connection, encoder, number, new, [vector_D for _, vector_D in pairs])
            known |= {row.content_hash: uid for row, uid in zip(new, inserted, strict=True)}
            known |= {row.content_hash: by_key[row.idempotency_key] for row in fresh if row.idempotency_key in by_key}
    return [known[row.content_hash] for row in rows], len(new)


def _revive(connection: sa.Connection, namespace: int, rows: Sequence[Taught]) -> None:
    """What has run out and is said again holds again."""
    lives = {row.content_hash: row.ttl for row in rows}
    for some in chunks(list(lives)):
        sql = (
            "SELECT id, content_hash FROM episode WHERE namespace_id = ? AND kind = 'taught' AND expires_at <= ? "
            f"AND status <> 'superseded' AND status <> 'quarantined' AND content_hash IN ({marks(some)})"
        )
        for item, key in run(connection, sql, (namespace, now(), *some)).all():
            ttl = lives[bytes(key)]
            change = (
                "UPDATE episode SET status = 'active', expires_at = ?, valid_to = NULL, updated_at = ?, "
                "version = version + 1 WHERE id = ?"
            )
            run(connection, change, (None if ttl is None else later(ttl), now(), item))
            log.append(connection, namespace, "episode", [item], "upsert")


def _by_key(connection: sa.Connection, namespace: int, rows: Sequence[Taught]) -> dict[str | None, str]:
    """What was stored under the keys of earlier requests. Raises BadInput when a key comes with something else."""
    keys = {row.idempotency_key: row for row in rows if row.idempotency_key is not None}
    found: dict[str | None, str] = {}
    for some in chunks(list(keys)):
        sql = (
            "SELECT idempotency_key, uid, content_hash FROM episode WHERE namespace_id = ? "
            f"AND idempotency_key IN ({marks(some)})"
        )
        for key, uid, content_hash in run(connection, sql, (namespace, *some)):
            if bytes(content_hash) != keys[key].content_hash:
                hint = "Repeat the same request, or use a new key."
                raise BadInput("idempotency_key", repr(key), "a key that was not used for something else", hint)
            found[key] = uid
    return found


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
        found = run(connection, sql, (namespace, uid)).first()
    if found is None:
        raise unknown(uid)
    return found


def unknown(uid: str) -> UnknownEpisode:
    allowed = "the id of an answer or taught episode of this namespace"
    return UnknownEpisode("episode", repr(uid), allowed, "Copy it from an answer.")


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


def _uids(connection: sa.Connection, namespace: int, hashes: Sequence[bytes], since: str = "") -> dict[bytes, str]:
    """Without what had run out at ``since``."""
    found: dict[bytes, str] = {}
    for some in chunks(hashes):
        sql = (
            "SELECT content_hash, uid FROM episode WHERE namespace_id = ? AND kind = 'taught' "
            "AND status <> 'superseded' AND (expires_at IS NULL OR expires_at > ?) "
            f"AND content_hash IN ({marks(some)})"
        )
        found |= {bytes(row[0]): row[1] for row in run(connection, sql, (namespace, since, *some))}
    return found


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
        number = run(connection, sql, (namespace, value)).scalar()
        if number is not None:
            found.append((kind, number))
    return list(dict.fromkeys(found))
