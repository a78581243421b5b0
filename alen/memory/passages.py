"""Teaching a document: what is new is stored, what is unchanged is kept, what has gone from it is retired."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import faults, log, namespaces, schema, spaces
from alen.memory.identity import checked_text, now
from alen.memory.identity import content_hash as hash_of
from alen.memory.sql import run
from alen.memory.store import Store
from alen.types import Encoder, PassageDraft, TeachReport

BATCH = 256
"""Passages that are encoded and committed together."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Of a passage (D) and of its sentences (n x D)."""

    passage: np.ndarray
    sentences: np.ndarray


def teach(
    store: Store,
    encoder: Encoder | None,
    namespace: str,
    source: str,
    drafts: Sequence[PassageDraft],
    *,
    content_hash: bytes | str,
    replaces_source: bool,
    progress: Progress | None,
) -> TeachReport:
    """See ``EpisodicMemory.teach_passages``."""
    started = time.perf_counter()
    whole = content_hash.encode() if isinstance(content_hash, str) else content_hash
    wanted = _distinct(drafts)
    stored = retired = 0
    while True:
        with store.reading() as connection:
            known = _known(connection, namespace, source, whole if replaces_source else None)
        if known is None:
            break
        missing = [key for key in wanted if key not in known]
        done = len(drafts) - len(missing)
        for start in range(0, max(len(missing), 1), BATCH):
            part = missing[start : start + BATCH]
            vectors = encoded(encoder, [wanted[key] for key in part])
            with store.writing() as connection:
                number = namespaces.ensure(connection, namespace)
                document = _ensure_document(connection, number, source)
                present = _stored(connection, document)
                # Looked up again inside the transaction: another process may have taught the same meanwhile.
                new = [place for place, key in enumerate(part) if key not in present]
                ids = [_insert(connection, number, document, part[k], wanted[part[k]], encoder) for k in new]
                _write_vectors(connection, encoder, ids, [vectors[k] for k in new] if vectors else [])
                faults.reach("passages:inserted")
                log.append(connection, number, "passage", ids, "upsert")
                stored += len(ids)
                present |= {part[k]: item for k, item in zip(new, ids, strict=True)}
                complete = start + BATCH >= len(missing) and all(key in present for key in wanted)
                if complete and replaces_source:
                    stale = [item for key, item in present.items() if key not in wanted]
                    retired += _retire(connection, number, stale)
                    faults.reach("passages:retired")
                    _renew(connection, document, wanted, present, whole)
            done += len(part)
            if progress is not None:
                progress("teaching", done, len(drafts))
        # Not complete only when another process retired, meanwhile, what seemed to be stored.
        if complete:
            break
    return TeachReport(stored, len(drafts) - stored, retired, time.perf_counter() - started)


def spans(draft: PassageDraft) -> tuple[tuple[int, int], ...]:
    """The draft's sentences, or its whole text as one. Raises BadInput when one lies outside of the text."""
    for start, end in draft.sentences:
        if not 0 <= start < end <= len(draft.text):
            raise BadInput("sentences", f"({start}, {end})", f"spans within 0..{len(draft.text)}", "Split it again.")
    return tuple(draft.sentences) or ((0, len(draft.text)),)


def encoded(encoder: Encoder | None, drafts: Sequence[PassageDraft]) -> list[Vectors]:
    """The vectors of passages and their sentences, all in one call of the encoder; none without an encoder."""
    if encoder is None or not drafts:
        return []
    texts, counts = [_titled(draft, draft.text) for draft in drafts], []
    for draft in drafts:
        own = spans(draft)
        texts += [_titled(draft, draft.text[start:end]) for start, end in own]
        counts.append(len(own))
    vectors_ND = spaces.encode(encoder, texts)
    found, start = [], len(drafts)
    for place, count in enumerate(counts):
        found.append(Vectors(vectors_ND[place], vectors_ND[start : start + count]))
        start += count
    return found


def _titled(draft: PassageDraft, text: str) -> str:
    """What the encoder sees. Under its heading a sentence such as "It weighs 4 kilograms" says what weighs so much."""
    return f"{draft.title.replace('_', ' ')}: {text}" if draft.title else text


def _distinct(drafts: Sequence[PassageDraft]) -> dict[bytes, PassageDraft]:
    """Drafts by the hash of title and text, the first of several equal ones."""
    found: dict[bytes, PassageDraft] = {}
    for draft in drafts:
        checked_text("text", draft.text)
        checked_text("title", draft.title or "", empty=True)
        found.setdefault(hash_of(draft.title, draft.text), draft)
    return found


def _known(connection: sa.Connection, namespace: str, source: str, whole: bytes | None) -> set[bytes] | None:
    """Hashes of the passages stored of a source; None when it is stored with just this content."""
    sql = (
        "SELECT d.id, d.content_hash FROM document d JOIN namespace n ON n.id = d.namespace_id "
        "WHERE n.path = ? AND d.source = ?"
    )
    row = run(connection, sql, (namespace, source)).first()
    if row is None:
        return set()
    return None if whole is not None and row.content_hash == whole else set(_stored(connection, row.id))


def _stored(connection: sa.Connection, document: int) -> dict[bytes, int]:
    sql = "SELECT content_hash, id FROM passage WHERE document_id = ? AND status = 'active'"
    return {row[0]: row[1] for row in run(connection, sql, (document,))}


def _ensure_document(connection: sa.Connection, namespace: int, source: str) -> int:
    sql = "SELECT id FROM document WHERE namespace_id = ? AND source = ?"
    found = run(connection, sql, (namespace, source)).scalar()
    if found is None:
        row = {"namespace_id": namespace, "source": source, "created_at": now(), "updated_at": now()}
        found = schema.insert(connection, schema.document, row)
    return found


def _insert(
    connection: sa.Connection, namespace: int, document: int, key: bytes, draft: PassageDraft, encoder: Encoder | None
) -> int:
    row = {
        "namespace_id": namespace,
        "document_id": document,
        "ordinal": 0,
        "external_id": draft.external_id,
        "title": draft.title,
        "text": draft.text,
        "page": draft.page,
        "char_start": draft.start,
        "char_end": draft.end or draft.start + len(draft.text),
        "sentences": json.dumps(spans(draft)),
        "content_hash": key,
        "status": "active",
        "embedded": encoder is not None,
        "created_at": now(),
    }
    return schema.insert(connection, schema.passage, row)


def _write_vectors(
    connection: sa.Connection, encoder: Encoder | None, ids: Sequence[int], vectors: Sequence[Vectors]
) -> None:
    if encoder is None or not ids:
        return
    space = spaces.ensure(connection, encoder)
    spaces.write(connection, space["passage"], zip(ids, [value.passage for value in vectors], strict=True))
    spaces.write(connection, space["sentence"], zip(ids, [value.sentences for value in vectors], strict=True))


def _retire(connection: sa.Connection, namespace: int, items: Sequence[int]) -> int:
    """The rows stay, so that answers given from them keep their evidence; their vectors go."""
    rows = [(now(), item) for item in items]
    if rows:
        run(connection, "UPDATE passage SET status = 'retired', retired_at = ? WHERE id = ?", rows)
        run(
            connection,
            "DELETE FROM embedding WHERE item_id = ? AND space_id IN "
            "(SELECT id FROM embedding_space WHERE kind IN ('passage', 'sentence'))",
            [(item,) for item in items],
        )
        log.append(connection, namespace, "passage", items, "delete")
    return len(rows)


def _renew(
    connection: sa.Connection,
    document: int,
    wanted: Mapping[bytes, PassageDraft],
    present: Mapping[bytes, int],
    whole: bytes,
) -> None:
    """Unchanged passages may have moved: every citation is set to where the text stands now."""
    rows = [
        (place, draft.external_id, draft.page, draft.start, draft.end or draft.start + len(draft.text), present[key])
        for place, (key, draft) in enumerate(wanted.items())
    ]
    if rows:
        run(
            connection,
            "UPDATE passage SET ordinal = ?, external_id = ?, page = ?, char_start = ?, char_end = ? WHERE id = ?",
            rows,
        )
    run(connection, "UPDATE document SET content_hash = ?, updated_at = ? WHERE id = ?", (whole, now(), document))
