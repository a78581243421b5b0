"""What was answered from what: an episode that is taken back takes along everything that rests on it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from alen.memory import episodes, log, namespaces
from alen.memory.identity import now
from alen.memory.sql import chunks, marks, run
from alen.memory.store import Store


def descendants(
    connection: sa.Connection,
    namespace: int,
    items: Sequence[int],
    passages: Sequence[int] = (),
    *,
    answers_only: bool = False,
) -> list[int]:
    """Episodes that were answered from these, that these were merged into, and so on; without the episodes themselves.
    With ``answers_only`` just what ALEN answered: what a person taught stands by itself, also where something like it
    was merged into it."""
    found: dict[int, None] = {}
    waiting = [*(("episode", item) for item in items), *(("passage", item) for item in passages)]
    sql = (
        "SELECT e.id FROM derived_from d JOIN episode e ON e.id = d.child_id "
        "WHERE e.namespace_id = ? AND d.parent_kind = ? AND d.parent_id = ?"
    ) + (" AND e.kind = 'asked'" if answers_only else "")
    known = set(items)
    while waiting:
        kind, item = waiting.pop()
        for child in run(connection, sql, (namespace, kind, item)).scalars():
            if child not in known:
                known.add(child)
                found[child] = None
                waiting.append(("episode", child))
    return sorted(found)


def quarantine(connection: sa.Connection, namespace: int, items: Sequence[int]) -> int:
    """Of these episodes nothing is recalled any more, nor of what rests on them; how many rested on them."""
    moment = now()
    children = descendants(connection, namespace, items, answers_only=True)
    for some in chunks([*items, *children]):
        run(
            connection,
            "UPDATE episode SET status = 'quarantined', valid_to = ?, updated_at = ?, version = version + 1 "
            f"WHERE id IN ({marks(some)}) AND status <> 'quarantined'",
            (moment, moment, *some),
        )
        log.append(connection, namespace, "episode", some, "delete")
    return len(children)


def retract(store: Store, namespace: str, uid: str) -> int:
    """See ``EpisodicMemory.retract``."""
    with store.writing() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        return quarantine(connection, row.namespace_id, [row.id])


def descendants_of(store: Store, namespace: str, uid: str) -> list[str]:
    """See ``EpisodicMemory.descendants``."""
    with store.reading() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        found: list[str] = []
        for some in chunks(descendants(connection, row.namespace_id, [row.id], answers_only=True)):
            sql = f"SELECT uid FROM episode WHERE id IN ({marks(some)}) AND status = 'active' ORDER BY id"
            found += run(connection, sql, tuple(some)).scalars()
        return found
