"""Recall: candidates by words and by meaning, fused, then read from the database again before they are believed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from alen.memory import fusion, lexical, reranking
from alen.memory.identity import normalised_question, question_hash
from alen.memory.vectors import NamespaceVectors
from alen.types import Episode, EpisodeHit, Passage, PassageHit

_EPISODE = (
    "e.id, e.uid, e.question, e.answer, e.context, e.tier, e.source, e.confidence, e.created_at, e.status, "
    "e.detail_json"
)


def recall_passages(
    connection: sa.Connection,
    namespace: int,
    question: str,
    vector_D: np.ndarray | None,
    vectors: NamespaceVectors | None,
    count: int,
) -> tuple[PassageHit, ...]:
    """The ``count`` best passages, best first; the same text in two sources appears once."""
    if count < 1:
        return ()
    depth = max(fusion.CANDIDATES, count)
    signals: dict[str, Mapping[int, float]] = {"bm25": lexical.passages(connection, namespace, question, depth)}
    sentence_of: dict[int, int] = {}
    if vector_D is not None and vectors is not None:
        near = vectors.passage.top(vector_D, depth) + vectors.sentence.top(vector_D, depth)
        candidates = list(dict.fromkeys([*signals["bm25"], *near]))
        best = vectors.sentence.best(vector_D, candidates)
        sentence_of = {item: place for item, (_, place) in best.items()}
        signals["sentence"] = {item: score for item, (score, _) in best.items()}
        whole = vectors.passage.best(vector_D, candidates)
        signals["dense"] = {item: score for item, (score, _) in whole.items()}
    fused = fusion.fuse(signals)
    # Read somewhat more than asked for: copies of one text fall away.
    rows = _passage_rows(connection, namespace, [item for item, _ in fused[: max(2 * count + 8, reranking.DEPTH)]])
    read = [item for item, _ in fused[: reranking.DEPTH] if item in rows]
    share_of = dict(zip(read, reranking.shares(question, [_sentences(rows[item]) for item in read]), strict=True))
    ranked = reranking.rerank(fused, share_of)
    hits: list[PassageHit] = []
    seen: set[bytes] = set()
    ranks = {name: _ranks(scores) for name, scores in signals.items()}
    signals["words"] = share_of
    for item, score in ranked:
        row = rows.get(item)
        if row is None or row.content_hash in seen:
            continue
        seen.add(row.content_hash)
        explain = {name: scores[item] for name, scores in signals.items() if item in scores}
        explain |= {f"{name}_rank": float(places[item]) for name, places in ranks.items() if item in places}
        hits.append(PassageHit(_passage(row), min(score, 1.0), _sentence(row, sentence_of.get(item)), explain))
        if len(hits) == count:
            break
    return tuple(hits)


def recall_episodes(
    connection: sa.Connection,
    namespace: int,
    question: str,
    vector_D: np.ndarray | None,
    vectors: NamespaceVectors | None,
    count: int,
) -> tuple[EpisodeHit, ...]:
    """The ``count`` taught or verified answers whose questions are nearest, best first; the same question word for
    word comes before all others. Without a vector nearness is the share of words in common (Dice)."""
    if count < 1:
        return ()
    same = connection.exec_driver_sql(
        "SELECT id FROM episode WHERE namespace_id = ? AND question_hash = ? AND recallable ORDER BY id DESC LIMIT ?",
        (namespace, question_hash(question), count),
    )
    exact = list(same.scalars())
    near: dict[int, float] = {}
    if vector_D is not None and vectors is not None:
        candidates = [*exact, *vectors.question.top(vector_D, count)]
        near = {item: score for item, (score, _) in vectors.question.best(vector_D, candidates).items()}
    if not near:
        near = dict.fromkeys(lexical.episodes(connection, namespace, question, max(count, 20)), 0.0)
    rows = _episode_rows(connection, namespace, list(dict.fromkeys([*exact, *near])))
    hits = []
    for item, row in rows.items():
        is_exact = normalised_question(row.question) == normalised_question(question)
        cosine = near.get(item) or _words_in_common(row.question, question)
        hits.append((item, EpisodeHit(episode_of(row), min(1.0, cosine) if not is_exact else 1.0, is_exact)))
    hits.sort(key=lambda entry: (not entry[1].exact, -entry[1].score, -entry[0]))
    tags = tags_of(connection, [item for item, _ in hits[:count]])
    return tuple(_tagged(hit, tags.get(item, ())) for item, hit in hits[:count])


def _tagged(hit: EpisodeHit, tags: tuple[str, ...]) -> EpisodeHit:
    return replace(hit, episode=replace(hit.episode, tags=tags)) if tags else hit


def tags_of(connection: sa.Connection, items: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    if items:
        marks = ", ".join("?" * len(items))
        sql = f"SELECT episode_id, tag FROM episode_tag WHERE episode_id IN ({marks}) ORDER BY tag"
        for item, tag in connection.exec_driver_sql(sql, tuple(items)):
            found[item] = (*found.get(item, ()), tag)
    return found


def episode_of(row: Any, tags: tuple[str, ...] = ()) -> Episode:
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
        detail=json.loads(row.detail_json),
    )


def _episode_rows(connection: sa.Connection, namespace: int, items: Sequence[int]) -> dict[int, Any]:
    if not items:
        return {}
    marks = ", ".join("?" * len(items))
    sql = f"SELECT {_EPISODE} FROM episode e WHERE e.namespace_id = ? AND e.recallable AND e.id IN ({marks})"
    return {row.id: row for row in connection.exec_driver_sql(sql, (namespace, *items)).all()}


def _passage_rows(connection: sa.Connection, namespace: int, items: Sequence[int]) -> dict[int, Any]:
    if not items:
        return {}
    marks = ", ".join("?" * len(items))
    # Namespace and status are asked again here: whatever an index says, nothing foreign or retired gets through.
    sql = (
        "SELECT p.id, p.text, d.source, p.title, p.page, p.char_start, p.char_end, p.external_id, p.sentences, "
        "p.content_hash FROM passage p JOIN document d ON d.id = p.document_id "
        f"WHERE p.namespace_id = ? AND p.status = 'active' AND p.id IN ({marks})"
    )
    return {row.id: row for row in connection.exec_driver_sql(sql, (namespace, *items)).all()}


def _passage(row: Any) -> Passage:
    return Passage(row.id, row.text, row.source, row.title, row.page, row.char_start, row.char_end, row.external_id)


def _sentences(row: Any) -> list[str]:
    """Each under its title, which may be all that names the subject."""
    return [f"{row.title or ''} {row.text[start:end]}" for start, end in json.loads(row.sentences)]


def _sentence(row: Any, place: int | None) -> tuple[int, int] | None:
    if place is None:
        return None
    spans = json.loads(row.sentences)
    return (spans[place][0], spans[place][1]) if place < len(spans) else None


def _ranks(scores: Mapping[int, float]) -> dict[int, int]:
    """1 for the best."""
    return {item: place for place, item in enumerate(sorted(scores, key=scores.__getitem__, reverse=True), 1)}


def _words_in_common(one: str, other: str) -> float:
    left, right = set(lexical.terms(one)), set(lexical.terms(other))
    return 2 * len(left & right) / (len(left) + len(right)) if left or right else 0.0
