"""Recall of episodes: the same question word for word, near ones by meaning, and those that share its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import sqlalchemy as sa

from alen.memory import episode_reading, fusion, lexical
from alen.memory.filters import EVERYTHING, Where
from alen.memory.identity import normalised_question, question_hash
from alen.memory.nearest import nearest
from alen.memory.recollection import ranks_of
from alen.memory.sql import marks
from alen.memory.sql import rows as rows_of
from alen.memory.vectors import NamespaceVectors
from alen.types import Episode, EpisodeHit

EPISODE_WEIGHTS = fusion.Weights(bm25=0.5, dense=0.5, sentence=0.0)

DOUBT = 0.1
"""The most that a score loses for want of confidence: what fits the question decides."""

Mode = Literal["hybrid", "dense", "lexical"]


def recall_episodes(
    connection: sa.Connection,
    namespace: int,
    wordings: Sequence[str],
    vector_D: np.ndarray | None,
    vectors: NamespaceVectors | None,
    count: int,
    where: Where = EVERYTHING,
) -> tuple[EpisodeHit, ...]:
    """The ``count`` taught or verified answers whose questions are nearest, best first. The first of the ``wordings``
    is looked for; the same question word for word in any of them comes before all others. Without a vector nearness is
    the share of words in common (Dice)."""
    if count < 1:
        return ()
    question = wordings[0]
    normal = {normalised_question(each) for each in wordings}
    exact = _same_question(connection, namespace, wordings, count, where)
    near: dict[int, float] = {}
    if vector_D is not None and vectors is not None:
        near, _ = nearest(connection, namespace, vector_D, vectors, exact, count, where)
    if not near:
        near = dict.fromkeys(lexical.episodes(connection, namespace, question, max(count, 20)), 0.0)
    found = episode_reading.read(connection, namespace, list(dict.fromkeys([*exact, *near])), where)
    hits = []
    for item, row in found.items():
        is_exact = normalised_question(row.question) in normal
        cosine = near.get(item) or _words_in_common(row.question, question)
        hits.append((item, EpisodeHit(row, min(1.0, cosine) if not is_exact else 1.0, is_exact)))
    hits.sort(key=lambda entry: (not entry[1].exact, -entry[1].score, -entry[0]))
    return tuple(hit for _, hit in hits[:count])


def recall_fused(
    connection: sa.Connection,
    namespace: int,
    question: str,
    vector_D: np.ndarray | None,
    vectors: NamespaceVectors | None,
    count: int,
    mode: Mode,
    where: Where = EVERYTHING,
) -> list[EpisodeHit]:
    """The ``count`` best episodes by words and meaning, with how each was found: the same question word for word has
    score 1 and comes first, others the fused score less up to a tenth for want of confidence."""
    if count < 1:
        return []
    depth = max(fusion.CANDIDATES, 5 * count)
    exact = _same_question(connection, namespace, (question,), count, where)
    signals: dict[str, dict[int, float]] = {"bm25": _worded(connection, namespace, question, depth, count, where)}
    rows: dict[int, Episode] = {}
    if mode == "hybrid" and vector_D is not None and vectors is not None:
        found = [*exact, *signals["bm25"]]
        signals["dense"], rows = nearest(connection, namespace, vector_D, vectors, found, depth, where)
    fused = dict(fusion.fuse(signals, EPISODE_WEIGHTS))
    unread = [item for item in dict.fromkeys([*exact, *fused]) if item not in rows]
    rows |= episode_reading.read(connection, namespace, unread, where)
    ranks = {name: ranks_of(scores) for name, scores in signals.items()}
    normal = normalised_question(question)
    hits = []
    for item, row in rows.items():
        is_exact = normalised_question(row.question) == normal
        explain = {name: scores[item] for name, scores in signals.items() if item in scores}
        explain |= {f"{name}_rank": float(places[item]) for name, places in ranks.items() if item in places}
        explain |= {"fused": fused.get(item, 0.0), "confidence": row.confidence}
        score = 1.0 if is_exact else explain["fused"] * (1.0 - DOUBT * (1.0 - row.confidence))
        hits.append((item, EpisodeHit(row, min(score, 1.0), is_exact, explain)))
    hits.sort(key=lambda entry: (not entry[1].exact, -entry[1].score, -entry[0]))
    return [hit for _, hit in hits[:count]]


def recall_dense(
    connection: sa.Connection,
    namespace: int,
    vector_D: np.ndarray,
    vectors: NamespaceVectors,
    count: int,
    where: Where = EVERYTHING,
) -> list[EpisodeHit]:
    """The ``count`` episodes whose vectors are nearest; ``score`` is the cosine, 0 for what points away."""
    if count < 1:
        return []
    near, rows = nearest(connection, namespace, vector_D, vectors, (), count, where)
    best = sorted(near, key=lambda item: (-near[item], -item))[:count]
    unread = [item for item in best if item not in rows]
    if unread:
        rows |= episode_reading.read(connection, namespace, unread, where)
    return [
        EpisodeHit(rows[item], min(max(near[item], 0.0), 1.0), False, {"dense": near[item], "dense_rank": float(rank)})
        for rank, item in enumerate(best, 1)
        if item in rows
    ]


def refused(connection: sa.Connection, namespace: int, wordings: Sequence[str]) -> tuple[str, ...]:
    """Answers to the same question, word for word in one of its wordings, that were taken back and that nothing says
    any more."""
    sql = (
        f"SELECT DISTINCT e.answer FROM episode e WHERE e.namespace_id = ? AND e.question_hash IN ({marks(wordings)}) "
        "AND e.status = 'quarantined' AND e.answer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM episode o "
        "WHERE o.namespace_id = e.namespace_id AND o.question_hash = e.question_hash "
        "AND o.answer_hash = e.answer_hash AND o.recallable)"
    )
    values = (namespace, *map(question_hash, wordings))
    return tuple(answer for (answer,) in rows_of(connection, sql, values))


def _same_question(
    connection: sa.Connection, namespace: int, wordings: Sequence[str], count: int, where: Where
) -> list[int]:
    """Newest first."""
    condition, values = where.sql()
    sql = (
        f"SELECT e.id FROM episode e WHERE e.namespace_id = ? AND e.question_hash IN ({marks(wordings)}) "
        f"AND {condition} ORDER BY e.id DESC LIMIT ?"
    )
    hashes = map(question_hash, wordings)
    return [item for (item,) in rows_of(connection, sql, (namespace, *hashes, *values, count))]


def _worded(
    connection: sa.Connection, namespace: int, question: str, depth: int, count: int, where: Where
) -> dict[int, float]:
    """Item to BM25; deeper and deeper until enough fulfil the conditions or no more share a word."""
    while True:
        found = lexical.episodes(connection, namespace, question, depth)
        if not where or len(found) < depth:
            return found
        kept = episode_reading.read(connection, namespace, list(found), where)
        if len(kept) >= count:
            return {item: score for item, score in found.items() if item in kept}
        depth *= 8


def _words_in_common(one: str, other: str) -> float:
    left, right = set(lexical.terms(one)), set(lexical.terms(other))
    return 2 * len(left & right) / (len(left) + len(right)) if left or right else 0.0
