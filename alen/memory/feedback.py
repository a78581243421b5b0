"""Feedback: a person says whether an answer was right, and memory acts on it at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import episode_rows, episodes, log, namespaces, provenance, spaces
from alen.memory.identity import answer_hash, now
from alen.memory.sql import run
from alen.memory.store import Store
from alen.types import Encoder


def give(
    store: Store, encoder: Encoder | None, namespace: str, uid: str, correct: bool, answer: str | None
) -> dict[str, Any]:
    """See ``EpisodicMemory.feedback``."""
    if correct and answer is not None:
        raise BadInput("answer", repr(answer), "no answer when the given one was right", "Say --wrong to correct it.")
    with store.reading() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
    correction = None if answer is None else episode_rows.Taught(row.question, answer, detail={"corrects": uid})
    vector_D = spaces.encode(encoder, [row.question])[0] if encoder is not None else None
    with store.writing() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        row = _taught_again(connection, row) or row
        if correct:
            _confirm(connection, encoder, row, vector_D)
            return {"status": "gold"}
        twins = _same_claim(connection, row)
        # What rests on a wrong answer falls with it; what claimed the same keeps its own way of ending.
        provenance.quarantine(connection, row.namespace_id, [row.id, *(twin.id for twin in twins)])
        for twin in twins:
            if correction:
                _reject(connection, twin, "superseded")
        if correction is None:
            return {"status": "quarantined"}
        known = episodes.taught_uid(connection, row.namespace_id, correction.content_hash)
        if known is not None:
            # The right answer was there already; it may have been set aside by an earlier mistake.
            _confirm(connection, encoder, episodes.row_of(connection, row.namespace_id, known), vector_D)
            # Its time may have run out: said anew it holds again, as when it is taught again.
            run(connection, "UPDATE episode SET expires_at = NULL WHERE uid = ?", (known,))
            return {"status": "quarantined", "correction": known}
        [new] = episode_rows.insert(connection, encoder, row.namespace_id, [correction], [vector_D], supersedes=row.id)
        return {"status": "quarantined", "correction": new}


def _confirm(connection: sa.Connection, encoder: Encoder | None, row: Any, vector_D: Any) -> None:
    """Gold, and recalled from now on; but one of several equal episodes is enough to recall."""
    twins = "SELECT 1 FROM episode WHERE namespace_id = ? AND content_hash = ? AND recallable AND id <> ? LIMIT 1"
    known = run(connection, twins, (row.namespace_id, row.content_hash, row.id)).scalar()
    status = "archived" if known else "active"
    run(
        connection,
        "UPDATE episode SET tier = 'gold', confidence = 1.0, status = ?, embedded = ?, valid_to = NULL, "
        "updated_at = ?, version = version + 1 WHERE id = ?",
        (status, vector_D is not None, now(), row.id),
    )
    if row.answer is not None and not known:
        episode_rows.embed(connection, encoder, row.namespace_id, [row.id], [vector_D])


def _taught_again(connection: sa.Connection, row: Any) -> Any:
    """What says the same since the episode was replaced, None when nothing does: of equal ones that were taught only
    one may be other than replaced."""
    if row.kind != "taught" or row.status != "superseded":
        return None
    sql = (
        "SELECT e.* FROM episode e WHERE e.namespace_id = ? AND e.content_hash = ? AND e.kind = 'taught' "
        "AND e.status <> 'superseded'"
    )
    return run(connection, sql, (row.namespace_id, row.content_hash)).first()


def _reject(connection: sa.Connection, row: Any, status: str) -> None:
    moment = now()
    run(
        connection,
        "UPDATE episode SET status = ?, valid_to = ?, updated_at = ?, version = version + 1 WHERE id = ?",
        (status, moment, moment, row.id),
    )
    log.append(connection, row.namespace_id, "episode", [row.id], "delete")


def _same_claim(connection: sa.Connection, row: Any) -> list[Any]:
    """Recallable episodes that gave the wrong answer: to the same question, or as evidence of this episode."""
    if row.answer is None:
        return []
    sql = (
        "SELECT e.* FROM episode e WHERE e.namespace_id = ? AND e.id <> ? AND e.recallable AND e.answer_hash = ? "
        "AND (e.question_hash = ? OR e.id IN (SELECT parent_id FROM derived_from WHERE child_id = ? "
        "AND parent_kind = 'episode'))"
    )
    values = (row.namespace_id, row.id, answer_hash(row.answer), row.question_hash, row.id)
    return list(run(connection, sql, values))
