"""Recall of passages: candidates by words and meaning, fused, and read from the database again before they are
believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from alen.memory import damage, fusion, lexical, reranking
from alen.memory.sql import marks
from alen.memory.sql import rows as rows_of
from alen.memory.vectors import NamespaceVectors
from alen.types import Passage, PassageHit

_COLUMNS = (
    "p.id, p.text, d.source, p.title, p.page, p.char_start, p.char_end, p.external_id, p.sentences, p.content_hash"
)


class _Row(NamedTuple):
    id: int
    text: str
    source: str
    title: str | None
    page: int | None
    char_start: int
    char_end: int
    external_id: str | None
    sentences: str
    content_hash: bytes


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
    ranks = {name: ranks_of(scores) for name, scores in signals.items()}
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


def _passage_rows(connection: sa.Connection, namespace: int, items: Sequence[int]) -> dict[int, _Row]:
    if not items:
        return {}
    # Namespace and status are asked again here: whatever an index says, nothing foreign or retired gets through.
    sql = (
        f"SELECT {_COLUMNS} FROM passage p JOIN document d ON d.id = p.document_id "
        f"WHERE p.id IN ({marks(items)}) AND +p.namespace_id = ? AND p.status = 'active'"
    )
    return {row.id: row for row in map(_Row._make, rows_of(connection, sql, (*items, namespace)))}


def _passage(row: _Row) -> Passage:
    return Passage(row.id, row.text, row.source, row.title, row.page, row.char_start, row.char_end, row.external_id)


def _sentences(row: _Row) -> list[str]:
    """Each under its title, which may be all that names the subject."""
    return [f"{row.title or ''} {row.text[start:end]}" for start, end in damage.loads(row.sentences)]


def _sentence(row: _Row, place: int | None) -> tuple[int, int] | None:
    if place is None:
        return None
    spans = damage.loads(row.sentences)
    return (spans[place][0], spans[place][1]) if place < len(spans) else None


def ranks_of(scores: Mapping[int, float]) -> dict[int, int]:
    """1 for the best."""
    return {item: place for place, item in enumerate(sorted(scores, key=scores.__getitem__, reverse=True), 1)}
