"""The episodes nearest to a question among those that fulfil conditions: few are compared one by one, among many the
index looks deeper until enough of them do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from alen.memory import episode_reading
from alen.memory.filters import Where
from alen.memory.sql import rows as rows_of
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
    best = None
    if where.as_of is not None:
        # What was superseded is in no index any more.
        best, listed = _allowed(connection, namespace, vector_D, vectors, where), True
    elif where.tags:
        best = _tagged(connection, namespace, vector_D, vectors, others, count, where)
    depth, wanted = max(count, LOOKED_AT) if where else count, min(count, len(index))
    while best is None:
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
            best, listed = _allowed(connection, namespace, vector_D, vectors, where), True
        depth *= 4
    first = sorted(best, key=lambda item: (-best[item], -item))[:count]
    return {item: best[item] for item in [*first, *others] if item in best}, {}


def _allowed(
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


def _tagged(
    connection: sa.Connection,
    namespace: int,
    vector_D: np.ndarray,
    vectors: NamespaceVectors,
    others: Sequence[int],
    count: int,
    where: Where,
) -> dict[int, float] | None:
    """The scores of ``others`` and of the best that fulfil the conditions, by the tag that fewest have; None when many
    have each. Conditions are asked of the best first: most rows need not be read."""
    sql = "SELECT episode_id FROM episode_tag WHERE tag = ? LIMIT ?"
    items = min((rows_of(connection, sql, (tag, COMPARED + 1)) for tag in where.tags), key=len)
    if len(items) > COMPARED:
        return None
    found = vectors.question.best(vector_D, [item for (item,) in items])
    item_N, score_N = np.fromiter(found, np.int64), np.array([score for score, _ in found.values()])
    order = item_N[np.lexsort((-item_N, -score_N))].tolist()
    fit: list[int] = []
    start, size = 0, 2 * count
    while len(fit) < count and start < len(order):
        fit += episode_reading.fitting(connection, namespace, order[start : start + size], where)
        start, size = start + size, 4 * size
    return {item: found[item][0] for item in [*fit[:count], *others] if item in found}
