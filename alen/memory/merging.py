"""Merging: questions that say nearly the same and have the same answer become one, and can be taken apart again.

Axes: N episodes of one answer, D dimension.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from alen.memory import episodes, faults, log, namespaces, spaces
from alen.memory.filters import VERIFIED
from alen.memory.identity import now
from alen.memory.sql import marks, run
from alen.memory.store import Store
from alen.upkeep import Merged

FOR_EVER = "9999"
"""After every date."""

_AT_ONCE = 2000


def merge(store: Store, namespace: str, alike: float, dry_run: bool) -> list[Merged]:
    """See ``EpisodicMemory.merge``."""
    with store.reading() if dry_run else store.writing() as connection:
        number = namespaces.find(connection, namespace)
        space = spaces.active(connection).get("question")
        if number is None or space is None:
            return []
        groups = [
            group
            for rows in _same_answer(connection, number)
            for group in _alike(connection, space[0], space[3], rows, alike)
        ]
        if not dry_run:
            for group in groups:
                _fold(connection, number, group)
        return [Merged(group[0].uid, tuple(row.uid for row in group[1:])) for group in groups]


def unmerge(store: Store, namespace: str, uid: str) -> list[str]:
    """See ``EpisodicMemory.unmerge``."""
    with store.writing() as connection:
        number = namespaces.find(connection, namespace)
        row = episodes.row_of(connection, number, uid)
        sql = (
            "SELECT e.id, e.uid FROM derived_from d JOIN episode e ON e.id = d.parent_id "
            "WHERE d.child_id = ? AND d.parent_kind = 'episode' AND e.status = 'archived' ORDER BY e.id"
        )
        folded = run(connection, sql, (row.id,)).all()
        for item, _ in folded:
            run(
                connection,
                "UPDATE episode SET status = 'active', updated_at = ?, version = version + 1 WHERE id = ?",
                (now(), item),
            )
            run(
                connection,
                "DELETE FROM derived_from WHERE child_id = ? AND parent_kind = 'episode' AND parent_id = ?",
                (row.id, item),
            )
            faults.reach("merge:unfolded")
        log.append(connection, row.namespace_id, "episode", [item for item, _ in folded], "upsert")
        return [name for _, name in folded]


def _same_answer(connection: sa.Connection, number: int) -> list[list[Any]]:
    # What has run out is not recalled: folded into it, what still holds would not be either.
    live = "namespace_id = ? AND recallable AND (expires_at IS NULL OR expires_at > ?)"
    sql = (
        f"SELECT id, uid, tier, confidence, pinned, expires_at, answer_hash FROM episode WHERE {live} "
        f"AND answer_hash IN (SELECT answer_hash FROM episode WHERE {live} GROUP BY answer_hash HAVING count(*) > 1) "
        "ORDER BY answer_hash, id"
    )
    found: defaultdict[bytes, list[Any]] = defaultdict(list)
    for row in run(connection, sql, (number, now()) * 2):
        found[bytes(row.answer_hash)].append(row)
    return [rows[start : start + _AT_ONCE] for rows in found.values() for start in range(0, len(rows), _AT_ONCE)]


def _alike(connection: sa.Connection, space: int, dim: int, rows: Sequence[Any], alike: float) -> list[list[Any]]:
    """Groups of two or more, the one to keep first. Each is like the one that is kept, not merely like a neighbour."""
    vectors = _vectors(connection, space, dim, [row.id for row in rows])
    waiting = sorted(rows, key=lambda row: (-row.confidence, row.id))
    # What is kept holds as long as any of them.
    waiting.sort(key=lambda row: row.expires_at or FOR_EVER, reverse=True)
    waiting.sort(key=lambda row: (row.tier not in VERIFIED, not row.pinned))
    waiting = [row for row in waiting if row.id in vectors]
    groups = []
    while waiting:
        kept, *others = waiting
        near = [row for row in others if float(np.vecdot(vectors[kept.id], vectors[row.id])) >= alike]
        if near:
            groups.append([kept, *near])
        taken = {kept.id, *(row.id for row in near)}
        waiting = [row for row in others if row.id not in taken]
    return groups


def _vectors(connection: sa.Connection, space: int, dim: int, items: Sequence[int]) -> dict[int, np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for start in range(0, len(items), 500):
        some = items[start : start + 500]
        sql = f"SELECT item_id, vec FROM embedding WHERE space_id = ? AND item_id IN ({marks(some)})"
        for item, blob in run(connection, sql, (space, *some)):
            found[item] = spaces.unpack([blob], dim)[1][0]
    return found


def _fold(connection: sa.Connection, number: int, group: Sequence[Any]) -> None:
    kept, folded = group[0], group[1:]
    for row in folded:
        run(
            connection,
            "UPDATE episode SET status = 'archived', updated_at = ?, version = version + 1 WHERE id = ?",
            (now(), row.id),
        )
        run(
            connection,
            "INSERT INTO derived_from(child_id, parent_kind, parent_id) VALUES (?, 'episode', ?) "
            "ON CONFLICT (child_id, parent_kind, parent_id) DO NOTHING",
            (kept.id, row.id),
        )
        faults.reach("merge:folded")
    log.append(connection, number, "episode", [row.id for row in folded], "delete")
