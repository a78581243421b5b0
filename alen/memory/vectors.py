"""The vectors of one namespace in memory: read from the database once, then kept fresh from the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from alen.memory import log, spaces
from alen.memory.index import VectorIndex

_READ_AT_ONCE = 4096

_SELECT = "SELECT e.item_id, e.vec FROM embedding e"
_ACTIVE = {
    "passage": "JOIN passage i ON i.id = e.item_id WHERE i.status = 'active' AND i.namespace_id = ?",
    "question": "JOIN episode i ON i.id = e.item_id WHERE i.recallable AND i.namespace_id = ?",
}
_ACTIVE["sentence"] = _ACTIVE["passage"]


class NamespaceVectors:
    """Three indexes: passages and their sentences by passage id, questions by episode id. Nothing here is the truth:
    it can be thrown away at any time."""

    def __init__(self, namespace: int, dim: int, space_ids: dict[str, int]) -> None:
        self._namespace = namespace
        self.dim = dim
        self._space_ids = space_ids
        self._applied: int | None = None
        self.passage = VectorIndex(dim)
        self.sentence = VectorIndex(dim)
        self.question = VectorIndex(dim)

    def refresh(self, connection: sa.Connection) -> None:
        """Take in everything committed before ``connection``'s transaction, by this process or another."""
        newest = log.last(connection, self._namespace)
        if self._applied is None:
            for kind in spaces.KINDS:
                self._load(connection, kind)
        elif newest > self._applied:
            changed = log.since(connection, self._namespace, self._applied)
            for item, kinds in (("passage", ("passage", "sentence")), ("episode", ("question",))):
                numbers = [number for (name, number) in changed if name == item]
                for kind in kinds:
                    self._reload(connection, kind, numbers)
        self._applied = newest

    def _index(self, kind: str) -> VectorIndex:
        return {"passage": self.passage, "sentence": self.sentence, "question": self.question}[kind]

    def _load(self, connection: sa.Connection, kind: str) -> None:
        sql = f"{_SELECT} {_ACTIVE[kind]} AND e.space_id = ? ORDER BY e.item_id"
        rows = connection.exec_driver_sql(sql, (self._namespace, self._space_ids[kind]))
        for part in rows.partitions(_READ_AT_ONCE):
            self._put(kind, part)

    def _reload(self, connection: sa.Connection, kind: str, items: list[int]) -> None:
        for item in items:
            self._index(kind).remove(item)
        for start in range(0, len(items), 500):
            some = items[start : start + 500]
            marks = ", ".join("?" * len(some))
            sql = f"{_SELECT} {_ACTIVE[kind]} AND e.space_id = ? AND e.item_id IN ({marks})"
            found = connection.exec_driver_sql(sql, (self._namespace, self._space_ids[kind], *some)).all()
            self._put(kind, found)

    def _put(self, kind: str, rows: Iterable[Any]) -> None:
        items, blobs = [], []
        for item, blob in rows:
            items.append(item)
            blobs.append(blob)
        if items:
            counts, vectors_ND = spaces.unpack(blobs, self.dim)
            self._index(kind).put(items, counts, vectors_ND)
