"""Episodes as the database has them, whatever led to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from alen.memory import damage
from alen.memory.filters import Where
from alen.memory.sql import chunks, marks, rows, run
from alen.types import Episode

_BETWEEN = "\x1f"  # of tags; it prints nowhere, so that nobody writes it
_TAGS = {"sqlite": "group_concat(t.tag, char(31))", "postgresql": "string_agg(t.tag, chr(31))"}
_COLUMNS = {
    name: "e.id, e.uid, e.question, e.answer, e.context, e.tier, e.source, e.confidence, e.created_at, e.status, "
    f"e.detail_json, (SELECT {tags} FROM episode_tag t WHERE t.episode_id = e.id)"
    for name, tags in _TAGS.items()
}


def read(connection: sa.Connection, namespace: int, items: Sequence[int], where: Where) -> dict[int, Episode]:
    """By row id. Namespace and state are asked here: whatever an index says, nothing foreign or gone gets through."""
    condition, values = where.sql()
    found: dict[int, Episode] = {}
    for some in chunks(items):
        sql = _select(connection.dialect.name, len(some), condition)
        for item, *values_of in rows(connection, sql, (*some, namespace, *values)):
            found[item] = _episode(*values_of)
    return found


def fitting(connection: sa.Connection, namespace: int, items: Sequence[int], where: Where) -> list[int]:
    """Those of ``items``, in their order, that ``read`` would read."""
    condition, values = where.sql()
    fit: set[int] = set()
    for some in chunks(items):
        sql = f"SELECT e.id FROM episode e WHERE e.id IN ({marks(some)}) AND +e.namespace_id = ? AND {condition}"
        fit.update(item for (item,) in rows(connection, sql, (*some, namespace, *values)))
    return [item for item in items if item in fit]


@lru_cache
def _select(dialect: str, items: int, condition: str) -> str:
    # The plus keeps the database from looking through the whole namespace for a few ids.
    return (
        f"SELECT {_COLUMNS[dialect]} FROM episode e WHERE e.id IN ({marks(range(items))}) AND +e.namespace_id = ? "
        f"AND {condition}"
    )


def episode_of(row: Any, tags: tuple[str, ...] = ()) -> Episode:
    """From a whole row of the table."""
    return Episode(
        id=row.uid,
        question=row.question,
        answer=row.answer,
        context=row.context,
        tier=row.tier,
        source=row.source,
        confidence=row.confidence,
        created_at=row.created_at,
        status=row.status,
        tags=tags,
        detail=damage.loads(row.detail_json),
    )


def tags_of(connection: sa.Connection, items: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for some in chunks(items):
        sql = f"SELECT episode_id, tag FROM episode_tag WHERE episode_id IN ({marks(some)}) ORDER BY tag"
        for item, tag in run(connection, sql, tuple(some)):
            found[item] = (*found.get(item, ()), tag)
    return found


def _episode(
    uid: str,
    question: str,
    answer: str | None,
    context: str | None,
    tier: Any,
    source: str,
    confidence: float,
    created_at: str,
    status: Any,
    detail: str,
    tags: str | None,
) -> Episode:
    listed = tuple(sorted(tags.split(_BETWEEN))) if tags else ()
    details = damage.loads(detail) if detail != "{}" else {}
    # In the order of its fields: by name it takes twice as long.
    return Episode(uid, question, answer, context, tier, source, confidence, created_at, status, listed, details)
