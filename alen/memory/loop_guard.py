"""What came out of memory does not go in again as something new: an agent that stores what it said would else fill a
memory with echoes of itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from alen.memory import lexical, spaces
from alen.memory.episode_rows import Taught
from alen.memory.identity import answer_hash, normalised, question_hash
from alen.memory.sql import marks, run

GUARDED = ("recall", "model")
"""Sources that repeat what memory said. What a person or a document says is stored, also for the second time."""

NEAR = 0.9
"""Cosine from which two questions with the same answer, word for word, are one."""

CANDIDATES = 20

LONG = 40
"""Characters of an answer from which a passage that holds them is where they came from; fewer occur by chance."""


def remembered(
    connection: sa.Connection, namespace: int, rows: Sequence[Taught], vectors: Sequence[np.ndarray | None]
) -> dict[bytes, str]:
    """Content hash to the id of the episode or passage (``p`` and its number) that says the same already."""
    found: dict[bytes, str] = {}
    for row, vector_D in zip(rows, vectors, strict=True):
        if row.source in GUARDED:
            known = _episode(connection, namespace, row, vector_D) or _passage(connection, namespace, row)
            if known is not None:
                found[row.content_hash] = known
    return found


def _episode(connection: sa.Connection, namespace: int, row: Taught, vector_D: np.ndarray | None) -> str | None:
    """One with this answer, whose question is the same or shares words and lies near."""
    worded = list(lexical.episodes(connection, namespace, row.question, CANDIDATES))
    sql = (
        "SELECT e.uid, e.question_hash, v.vec FROM episode e LEFT JOIN embedding v ON v.item_id = e.id "
        "AND v.space_id = (SELECT s.id FROM embedding_space s WHERE s.kind = 'question' AND s.state = 'active') "
        f"WHERE (e.question_hash = ? OR e.id IN ({marks(worded) or 'NULL'})) "
        "AND e.namespace_id = ? AND e.answer_hash = ? AND e.recallable ORDER BY e.id"
    )
    asked = question_hash(row.question)
    for uid, other, blob in run(connection, sql, (asked, *worded, namespace, answer_hash(row.answer))):
        if bytes(other) == asked:
            return str(uid)
        if vector_D is not None and blob is not None:
            stored_D = np.frombuffer(bytes(blob), dtype=spaces.STORED).astype(np.float32)
            if len(stored_D) == len(vector_D) and np.vecdot(stored_D, vector_D) >= NEAR:
                return str(uid)
    return None


def _passage(connection: sa.Connection, namespace: int, row: Taught) -> str | None:
    said = normalised(row.answer)
    if len(said) < LONG:
        return None
    near = list(lexical.passages(connection, namespace, row.answer, 5))
    if not near:
        return None
    sql = f"SELECT id, text FROM passage WHERE id IN ({marks(near)}) AND +namespace_id = ? AND status = 'active'"
    holds = [item for item, text in run(connection, sql, (*near, namespace)) if said in normalised(text)]
    return f"p{min(holds)}" if holds else None
