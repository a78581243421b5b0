"""The vectors of one namespace: sealed in files where they are many, in memory where they are few or new, and fresh
from the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa

from alen.memory import log, spaces
from alen.memory.index import planning
from alen.memory.index.layered import LayeredIndex
from alen.memory.sealer import Sealer
from alen.memory.sql import marks, run

_READ_AT_ONCE = 4096

_SELECT = "SELECT e.item_id, e.vec FROM embedding e"
_ACTIVE = {
    "passage": "JOIN passage i ON i.id = e.item_id WHERE i.status = 'active' AND i.namespace_id = ?",
    "question": "JOIN episode i ON i.id = e.item_id WHERE i.recallable AND i.namespace_id = ?",
}
_ACTIVE["sentence"] = _ACTIVE["passage"]
_ITEM = {"passage": "passage", "sentence": "passage", "question": "episode"}


class Index(Protocol):
    """What recall asks of the vectors of one kind."""

    def __len__(self) -> int: ...
    def items(self) -> np.ndarray: ...
    def top(self, query_D: np.ndarray, count: int) -> list[int]: ...
    def top_scored(self, query_D: np.ndarray, count: int) -> list[tuple[int, float]]: ...
    def best(self, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]: ...


class NamespaceVectors:
    """Three indexes: passages and their sentences by passage id, questions by episode id. Nothing here is the truth:
    it can be thrown away at any time."""

    def __init__(self, namespace: int, dim: int, space_ids: Mapping[str, int], sealers: Mapping[str, Sealer]) -> None:
        self._namespace = namespace
        self.dim = dim
        self.space_ids = space_ids
        self.sealers = sealers
        self._applied: dict[str, int] = {}
        self._newest = -1
        self._counted: dict[str, tuple[int, int, int]] = {}  # watermark, entry that was counted to, and how many
        self._index = {kind: LayeredIndex(dim) for kind in spaces.KINDS}

    @property
    def passage(self) -> Index:
        return self._index["passage"]

    @property
    def sentence(self) -> Index:
        return self._index["sentence"]

    @property
    def question(self) -> Index:
        return self._index["question"]

    def items(self, kind: str) -> np.ndarray:
        """The ids that an index of this kind holds."""
        return self._index[kind].items()

    def top(self, kind: str, query_D: np.ndarray, count: int) -> list[int]:
        return self._index[kind].top(query_D, count)

    def best(self, kind: str, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]:
        return self._index[kind].best(query_D, items)

    def stored(self, connection: sa.Connection, query_D: np.ndarray, items: Sequence[int]) -> dict[int, float]:
        """Inner products with the questions of episodes, whether they are in an index or not."""
        found: dict[int, float] = {}
        for start in range(0, len(items), 500):
            some = items[start : start + 500]
            sql = f"SELECT item_id, vec FROM embedding WHERE space_id = ? AND item_id IN ({marks(some)})"
            rows = run(connection, sql, (self.space_ids["question"], *some)).all()
            if rows:
                _, vectors_ND = spaces.unpack([bytes(row[1]) for row in rows], self.dim)
                scores = np.vecdot(vectors_ND, query_D).tolist()
                found |= dict(zip((row[0] for row in rows), scores, strict=True))
        return found

    @property
    def busy(self) -> bool:
        return any(sealer.busy for sealer in self.sealers.values())

    def wait(self) -> None:
        """Until what is being sealed is sealed."""
        for sealer in self.sealers.values():
            sealer.wait()

    def covers(self, newest: int) -> bool:
        """Whether everything up to an entry of the log is here, and nothing waits to be opened or sealed."""
        return self._newest >= newest and not any(
            self._is_stale(kind) and sealer.idle for kind, sealer in self.sealers.items()
        )

    def due(self, connection: sa.Connection, share: float) -> list[Sealer]:
        """Those of whose items such a share has changed, told from the log alone."""
        found, newest = [], log.last(connection, self._namespace)
        for kind, sealer in self.sealers.items():
            if not sealer.idle:
                continue
            manifest = sealer.manifest()
            watermark, items = (0, 0) if manifest is None else (manifest.watermark, manifest.items)
            # No more than there are entries, of all namespaces together.
            if newest - watermark < planning.enough(items, share):
                continue
            if planning.stale(items, self._changed(connection, kind, watermark, newest), share):
                found.append(sealer)
        return found

    def _changed(self, connection: sa.Connection, kind: str, watermark: int, newest: int) -> int:
        """Entries after the watermark. This is asked at every change: none is counted twice."""
        since, last, count = self._counted.get(kind, (watermark, watermark, 0))
        if since != watermark or last > newest:
            last, count = watermark, 0
        count += log.count(connection, self._namespace, _ITEM[kind], last)
        self._counted[kind] = (watermark, newest, count)
        return count

    def discard(self) -> None:
        """Throw away what was made from the database."""
        for sealer in self.sealers.values():
            sealer.discard()

    def standing(self, connection: sa.Connection) -> dict[str, Any]:
        """Where each index stands in the log, and what it is."""
        found = {kind: sealer.standing() for kind, sealer in self.sealers.items()}
        sealed = {kind: facts for kind, facts in found.items() if facts is not None}
        return {"log": log.last(connection, self._namespace), **sealed}

    def refresh(self, connection: sa.Connection) -> None:
        """Take in everything committed before ``connection``'s transaction, by this process or another."""
        newest = log.last(connection, self._namespace)
        for kind in spaces.KINDS:
            # All that the log has to say may be in a newer generation already: then there is nothing to seal.
            if kind not in self._applied or self._is_stale(kind, newest - self._applied[kind]):
                self._open(connection, kind)
            if newest > self._applied[kind]:
                self._follow(connection, kind)
                self._applied[kind] = newest
            if self._is_stale(kind) and kind in self.sealers:
                self.sealers[kind].begin()
        self._newest = min(self._applied.values())

    def _is_stale(self, kind: str, more: int = 0) -> bool:
        """Whether so much has changed, with ``more`` changes to come, that another index should be made."""
        index = self._index[kind]
        return planning.stale(0 if index.sealed is None else len(index.sealed), index.changed + more)

    def _open(self, connection: sa.Connection, kind: str) -> None:
        """From the newest sealed index, unless that is the one in use already; from the database without one."""
        sealer = self.sealers.get(kind)
        if kind in self._applied and (sealer is None or sealer.busy or self._nothing_newer(kind, sealer)):
            return
        sealed = None if sealer is None else sealer.open()
        if sealed is not None:
            self._index[kind] = LayeredIndex(self.dim, sealed)
            self._applied[kind] = sealed.manifest.watermark
        elif kind not in self._applied:
            self._applied[kind] = log.last(connection, self._namespace)
            sql = f"{_SELECT} {_ACTIVE[kind]} AND e.space_id = ? ORDER BY e.item_id"
            rows = run(connection, sql, (self._namespace, self.space_ids[kind]))
            for part in rows.partitions(_READ_AT_ONCE):
                self._put(kind, part)

    def _nothing_newer(self, kind: str, sealer: Sealer) -> bool:
        known, manifest = self._index[kind].sealed, sealer.manifest()
        return manifest is None or (known is not None and known.manifest.generation == manifest.generation)

    def _follow(self, connection: sa.Connection, kind: str) -> None:
        changed = log.since(connection, self._namespace, self._applied[kind])
        items = [number for (item, number) in changed if item == _ITEM[kind]]
        for item in items:
            self._index[kind].remove(item)
        for start in range(0, len(items), 500):
            some = items[start : start + 500]
            sql = f"{_SELECT} {_ACTIVE[kind]} AND e.space_id = ? AND e.item_id IN ({marks(some)})"
            self._put(kind, run(connection, sql, (self._namespace, self.space_ids[kind], *some)).all())

    def _put(self, kind: str, rows: Iterable[Any]) -> None:
        items, blobs = [], []
        for item, blob in rows:
            items.append(item)
            blobs.append(blob)
        if items:
            counts, vectors_ND = spaces.unpack(blobs, self.dim)
            self._index[kind].put(items, counts, vectors_ND)
