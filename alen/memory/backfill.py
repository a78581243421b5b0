"""Embedding what was stored while there was no encoder."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from alen.memory import log, passages, spaces
from alen.memory.sql import run
from alen.memory.store import Store
from alen.types import Encoder, PassageDraft

_PASSAGES = (
    "SELECT id, namespace_id, title, text, sentences FROM passage WHERE NOT embedded AND status = 'active' LIMIT ?"
)
_QUESTIONS = "SELECT id, namespace_id, question FROM episode WHERE NOT embedded AND recallable LIMIT ?"


def embed_what_is_missing(store: Store, encoder: Encoder) -> int:
    """Number of passages and questions that got vectors; 0, at the cost of two look-ups, is the usual case."""
    total = 0
    while True:
        with store.reading() as connection:
            texts = run(connection, _PASSAGES, (passages.BATCH,)).all()
            questions = run(connection, _QUESTIONS, (passages.BATCH,)).all()
        if not texts and not questions:
            return total
        drafts = [
            PassageDraft(
                row.text, title=row.title, sentences=tuple((start, end) for start, end in json.loads(row.sentences))
            )
            for row in texts
        ]
        vectors = passages.encoded(encoder, drafts)
        asked = spaces.encode_if(encoder, [row.question for row in questions])
        with store.writing() as connection:
            space = spaces.ensure(connection, encoder)
            ids = [row.id for row in texts]
            spaces.write(connection, space["passage"], zip(ids, [value.passage for value in vectors], strict=True))
            spaces.write(connection, space["sentence"], zip(ids, [value.sentences for value in vectors], strict=True))
            _done(connection, "passage", texts)
            pairs = [(row.id, vector_D) for row, vector_D in zip(questions, asked, strict=True) if vector_D is not None]
            spaces.write(connection, space["question"], pairs)
            _done(connection, "episode", questions)
        total += len(texts) + len(questions)


def _done(connection: sa.Connection, item: str, rows: Any) -> None:
    if rows:
        sql = f"UPDATE {item} SET embedded = ? WHERE id = ?"
        run(connection, sql, [(True, row.id) for row in rows])
    for row in rows:
        log.append(connection, row.namespace_id, item, [row.id], "upsert")
