"""The log of changes: ids only, in the order of commits; what a vector index reads to stay fresh."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from alen.memory import schema


def append(connection: sa.Connection, namespace: int, item: str, ids: Iterable[int], op: str) -> None:
    rows = [{"namespace_id": namespace, "item": item, "item_id": number, "op": op} for number in ids]
    if rows:
        connection.execute(sa.insert(schema.memory_log), rows)


def last(connection: sa.Connection, namespace: int) -> int:
    """The newest entry of a namespace, 0 when there is none."""
    sql = "SELECT max(seq) FROM memory_log WHERE namespace_id = ?"
    return connection.exec_driver_sql(sql, (namespace,)).scalar() or 0


def since(connection: sa.Connection, namespace: int, seq: int) -> dict[tuple[str, int], str]:
    """What happened last to every item that changed after ``seq``: (item, id) to "upsert" or "delete"."""
    sql = "SELECT item, item_id, op FROM memory_log WHERE namespace_id = ? AND seq > ? ORDER BY seq"
    rows = connection.exec_driver_sql(sql, (namespace, seq))
    return {(item, number): op for item, number, op in rows}
