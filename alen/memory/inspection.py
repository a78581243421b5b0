"""Looking into memory: counts, and one stored thing with all its fields."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from alen.errors import UnknownEpisode
from alen.memory import namespaces, schema, spaces
from alen.memory.episode_reading import tags_of
from alen.memory.episodes import row_of
from alen.memory.sql import run
from alen.memory.store import Store


def stats(store: Store, namespace: str) -> dict[str, Any]:
    """See ``EpisodicMemory.stats``."""
    with store.reading() as connection:
        number = namespaces.find(connection, namespace)

        def count(sql: str) -> int:
            return run(connection, sql, (number,)).scalar() or 0

        tiers = dict.fromkeys(schema.TIERS, 0)
        by_tier = "SELECT tier, count(*) FROM episode WHERE namespace_id = ? AND status = 'active' GROUP BY tier"
        tiers |= {row[0]: row[1] for row in run(connection, by_tier, (number,))}
        quarantined = "SELECT count(*) FROM episode WHERE namespace_id = ? AND status = 'quarantined'"
        spaces_in_use = spaces.active(connection)
        encoder = next(({"name": model, "dim": dim} for _, _, model, dim in spaces_in_use.values()), None)
        return {
            "store": str(store.url),
            "namespace": namespace,
            "namespaces": namespaces.names(connection),
            "documents": count("SELECT count(*) FROM document WHERE namespace_id = ?"),
            "passages": count("SELECT count(*) FROM passage WHERE namespace_id = ? AND status = 'active'"),
            "retired_passages": count("SELECT count(*) FROM passage WHERE namespace_id = ? AND status = 'retired'"),
            "episodes": tiers,
            "quarantined": count(quarantined),
            "sessions": count("SELECT count(*) FROM session WHERE namespace_id = ?"),
            "bytes": store.bytes(),
            "encoder": encoder,
        }


def show(store: Store, namespace: str, name: str) -> dict[str, Any]:
    """See ``EpisodicMemory.show``."""
    with store.reading() as connection:
        number = namespaces.find(connection, namespace)
        bare = name.removeprefix("p")
        return _passage(connection, number, int(bare)) if bare.isdecimal() else _episode(connection, number, name)


def _passage(connection: sa.Connection, namespace: int | None, item: int) -> dict[str, Any]:
    sql = (
        'SELECT p.id, d.source, p.title, p.page, p.char_start AS start, p.char_end AS "end", p.external_id, p.text, '
        "p.status, p.created_at, p.retired_at FROM passage p JOIN document d ON d.id = p.document_id "
        "WHERE p.namespace_id = ? AND p.id = ?"
    )
    # Beyond 63 bits the database has no such number, and so no such passage.
    found = None
    if namespace is not None and item < 1 << 63:
        found = run(connection, sql, (namespace, item)).mappings().first()
    if found is None:
        raise UnknownEpisode("id", str(item), "a passage of this namespace", "See: alen memory search")
    return {"kind": "passage", **found, "id": str(found["id"])}


def _episode(connection: sa.Connection, namespace: int | None, uid: str) -> dict[str, Any]:
    row = row_of(connection, namespace, uid)
    return {
        "kind": "episode",
        "id": row.uid,
        "question": row.question,
        "answer": row.answer,
        "context": row.context,
        "tier": row.tier,
        "status": row.status,
        "source": row.source,
        "confidence": row.confidence,
        "tags": list(tags_of(connection, [row.id]).get(row.id, ())),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "detail": json.loads(row.detail_json),
    }
