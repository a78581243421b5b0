"""The log of changes: ids only, in the order of commits; what a vector index reads to stay fresh."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from alen.memory.sql import rows, run


def append(connection: sa.Connection, namespace: int, item: str, ids: Iterable[int], op: str) -> None:
    entries = [(namespace, item, number, op, os.urandom(8)) for number in ids]
    if entries:
        sql = "INSERT INTO memory_log(namespace_id, item, item_id, op, nonce) VALUES (?, ?, ?, ?, ?)"
        run(connection, sql, entries)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a recall must know of a namespace: its number, its newest entry, and a sum that grows whenever the spaces in
    use change."""

    namespace: int
    newest: int
    spaces: int


def look(connection: sa.Connection, path: str) -> Seen | None:
    """None for a namespace that is not there."""
    sql = (
        "SELECT n.id, (SELECT max(l.seq) FROM memory_log l WHERE l.namespace_id = n.id), "
        "(SELECT sum(s.id * s.id) FROM embedding_space s WHERE s.state = 'active') FROM namespace n WHERE n.path = ?"
    )
    found = rows(connection, sql, (path,))
    return Seen(found[0][0], found[0][1] or 0, int(found[0][2] or 0)) if found else None


def last(connection: sa.Connection, namespace: int) -> int:
    """The newest entry of a namespace, 0 when there is none."""
    sql = "SELECT max(seq) FROM memory_log WHERE namespace_id = ?"
    return run(connection, sql, (namespace,)).scalar() or 0


def count(connection: sa.Connection, namespace: int, item: str, seq: int) -> int:
    """Entries of a kind after ``seq``."""
    sql = "SELECT count(*) FROM memory_log WHERE namespace_id = ? AND seq > ? AND item = ?"
    return int(rows(connection, sql, (namespace, seq, item))[0][0])


def since(connection: sa.Connection, namespace: int, seq: int) -> dict[tuple[str, int], str]:
    """What happened last to every item that changed after ``seq``: (item, id) to "upsert" or "delete"."""
    sql = "SELECT item, item_id, op FROM memory_log WHERE namespace_id = ? AND seq > ? ORDER BY seq"
    return {(item, number): op for item, number, op in run(connection, sql, (namespace, seq))}


def anchor(connection: sa.Connection, namespace: int, seq: int) -> str | None:
    """The random number of an entry, in hexadecimal; None when there is none."""
    sql = "SELECT nonce FROM memory_log WHERE namespace_id = ? AND seq = ?"
    found = run(connection, sql, (namespace, seq)).scalar()
    return None if found is None else bytes(found).hex()
