"""The episodes nearest to a question among those that fulfil conditions: few are compared one by one, among many the
index looks deeper until enough of them do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from alen.memory import episode_reading
from alen.memory.filters import Where
from alen.memory.sql import run
from alen.memory.vectors import NamespaceVectors
from alen.types import Episode

COMPARED = 20_000
"""Episodes that fulfil the conditions of a recall and are compared one by one; above this the index chooses first."""

LOOKED_AT = 100
"""Of the nearest, to see how many of them fulfil the conditions."""


def nearest(
    connection: sa.Connection,
    namespace: int,
    vector_D: np.ndarray,
    vectors: NamespaceVectors,
    others: Sequence[int],
    count: int,
    where: Where,
) -> tuple[dict[int, float], dict[int, Episode]]:
    """Item to cosine, also of ``others``, and the episodes read on the way."""
    index, listed = vectors.question, not where
    if where and _few(connection, where):
        best, listed = _compared(connection, namespace, vector_D, vectors, where), True
        if best is not None:
            return _first(best, count, others), {}
    depth, wanted = max(count, LOOKED_AT) if where else count, min(count, len(index))
    while True:
        scores = dict(index.top_scored(vector_D, depth))
        is_last = depth >= len(index)
        # Without conditions nearly all can be shown: they are read at once.
        fit = list(scores)
        if where or depth > count:
            fit = episode_reading.fitting(connection, namespace, fit, where)
        if len(fit) >= wanted or is_last:
            rows = episode_reading.read(connection, namespace, fit[:count], where)
            if len(rows) >= wanted or is_last:
                near = {item: scores[item] for item in rows}
                missing = [item for item in others if item not in rows]
                if missing:
                    near |= {item: score for item, (score, _) in index.best(vector_D, missing).items()}
                return near, rows
        elif not listed and len(index) * (len(fit) + 1) / depth <= 2 * COMPARED:
            best, listed = _compared(connection, namespace, vector_D, vectors, where), True
            if best is not None:
                return _first(best, count, others), {}
        depth *= 4


def _few(connection: sa.Connection, where: Where) -> bool:
    """Whether to begin with what fulfils the conditions: what was superseded is in no index any more, and how many
    have a tag is soon counted."""
    if where.as_of is not None:
        return True
    sql = "SELECT count(*) FROM (SELECT 1 FROM episode_tag WHERE tag = ? LIMIT ?) AS tagged"
    return any(run(connection, sql, (tag, COMPARED + 1)).scalar_one() <= COMPARED for tag in where.tags)


def _compared(
    connection: sa.Connection, namespace: int, vector_D: np.ndarray, vectors: NamespaceVectors, where: Where
) -> dict[int, float] | None:
    """The score of each episode that fulfils the conditions; None when they are too many."""
    condition, values = where.sql(by_tag=True)
    # With the plus the database begins with the tag, which fewer have than are in the namespace.
    own = "+e.namespace_id" if where.tags else "e.namespace_id"
    sql = f"SELECT e.id FROM episode e WHERE {own} = ? AND {condition} ORDER BY e.id LIMIT ?"
    allowed = list(run(connection, sql, (namespace, *values, COMPARED + 1)).scalars())
    if len(allowed) > COMPARED:
        return None
    found = {item: score for item, (score, _) in vectors.question.best(vector_D, allowed).items()}
    return found | vectors.stored(connection, vector_D, [item for item in allowed if item not in found])


def _first(scores: dict[int, float], count: int, others: Sequence[int]) -> dict[int, float]:
    best = sorted(scores, key=lambda item: (-scores[item], -item))[:count]
    return {item: scores[item] for item in [*best, *others] if item in scores}
