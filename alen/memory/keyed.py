"""Episodes under keys that the caller chooses: what is put again under a key takes the place of what was there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import editing, episode_rows, log, namespaces, spaces
from alen.memory.episode_reading import episode_of, tags_of
from alen.memory.episodic import EpisodicMemory
from alen.memory.identity import later, now
from alen.memory.sql import marks, run
from alen.types import Episode

KEY = "key"
"""Where an episode's ``detail`` holds its key."""

_AT_ONCE = 256
_NAME_LENGTH = 32
_FIRST = f"{KEY}:{'_' * _NAME_LENGTH}"
"""As LIKE has it: the context of the first text of a key."""
_LIVE = "e.status = 'active' AND (e.expires_at IS NULL OR e.expires_at > ?)"

# CROSS JOIN keeps the order on SQLite: the tags first, of which there are few.
_TAGGED = "FROM episode_tag t CROSS JOIN episode e WHERE e.id = t.episode_id AND e.namespace_id = ?"


class KeyedEpisodes:
    """The keyed episodes of one namespace of a memory. The same text under two keys is two episodes. What was replaced
    or deleted leaves no history. A key may have other texts by which recall finds it too: episodes of their own, which
    come and go with it."""

    def __init__(self, memory: EpisodicMemory, namespace: str | None = None) -> None:
        self.memory = memory
        self.namespace = memory._chosen(namespace)

    def put(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Store rows as ``remember`` takes them, each under its key; up to 256 are one transaction. ``also`` in a row
        holds its other texts. What is of tier ``unverified`` is had by its key and never recalled. Raises BadInput
        naming the key and the field, before anything is stored."""
        taught = {key: _taught(key, row) for key, row in rows.items()}
        keys = list(taught)
        for start in range(0, len(keys), _AT_ONCE):
            self._replace({key: taught[key] for key in keys[start : start + _AT_ONCE]})

    def get(self, keys: Sequence[str]) -> dict[str, Episode]:
        """Those of ``keys`` that are there and have not run out."""
        found: dict[str, Episode] = {}
        with self.memory._store.reading() as connection:
            number = namespaces.find(connection, self.namespace)
            for some in _parts(keys):
                # The first text of a key has its name as context, and nothing more.
                sql = f"SELECT e.* {_TAGGED} AND e.context = t.tag AND {_LIVE} AND t.tag IN ({marks(some)})"
                found |= _by_key(connection, run(connection, sql, (number, now(), *map(_name, some))).all())
        return found

    def newest(self) -> Iterator[Episode]:
        """All that have not run out, what was put last first; read in parts, each of one moment."""
        sql = (
            f"SELECT e.* FROM episode e WHERE {_LIVE} AND e.namespace_id = ? AND e.context LIKE ? "
            "AND e.id < ? ORDER BY e.id DESC LIMIT ?"
        )
        before = 2**62
        while True:
            with self.memory._store.reading() as connection:
                number = namespaces.find(connection, self.namespace)
                rows = run(connection, sql, (now(), number, _FIRST, before, _AT_ONCE)).all()
                found = _by_key(connection, rows)
            yield from found.values()
            if len(rows) < _AT_ONCE:
                return
            before = rows[-1].id

    def delete(self, keys: Sequence[str]) -> int:
        """Take away what is there under ``keys``; how many that were. To leave no byte of them: ``erase`` what
        ``uids`` gives."""
        with self.memory._store.writing() as connection:
            number = namespaces.find(connection, self.namespace)
            if number is None:
                return 0
            stored = _stored(connection, number, keys)
            _remove(connection, number, stored)
        return len({row.tag for row in stored})

    def uids(self, keys: Sequence[str]) -> list[str]:
        """The ids that memory gave to what is under ``keys``: for ``erase``, ``feedback``, ``history``."""
        with self.memory._store.reading() as connection:
            number = namespaces.find(connection, self.namespace)
            return [row.uid for row in _stored(connection, number, keys)]

    def renew(self, ttl: Mapping[str, float]) -> None:
        """Let what is under these keys run out so many seconds from now."""
        with self.memory._store.writing() as connection:
            number = namespaces.find(connection, self.namespace)
            for key, seconds in ttl.items():
                for row in _stored(connection, number, [key]):
                    run(connection, "UPDATE episode SET expires_at = ? WHERE id = ?", (later(seconds), row.id))

    def vectors(self, uids: Sequence[str]) -> dict[str, np.ndarray]:
        """The stored vectors of episodes, by id; those without one are left out."""
        found: dict[str, np.ndarray] = {}
        with self.memory._store.reading() as connection:
            number = namespaces.find(connection, self.namespace)
            space = spaces.active(connection).get("question")
            if space is None:
                return {}
            for some in _parts(uids):
                sql = (
                    "SELECT e.uid, v.vec FROM episode e JOIN embedding v ON v.item_id = e.id AND v.space_id = ? "
                    f"WHERE +e.namespace_id = ? AND e.uid IN ({marks(some)})"
                )
                for uid, blob in run(connection, sql, (space[0], number, *some)):
                    found[uid] = spaces.unpack([blob], space[3])[1][0]
        return found

    def _replace(self, rows: Mapping[str, Sequence[episode_rows.Taught]]) -> None:
        encoder = self.memory._encoder
        taught = [row for own in rows.values() for row in own]
        found = [row.question for row in taught if row.tier != "unverified"]
        encoded = iter(spaces.encode(encoder, found) if encoder is not None and found else ())
        vectors = [None if row.tier == "unverified" else next(encoded, None) for row in taught]
        with self.memory._store.writing() as connection:
            number = namespaces.ensure(connection, self.namespace)
            stored = _stored(connection, number, list(rows))
            _remove(connection, number, stored)
            uids = episode_rows.insert(connection, encoder, number, taught, vectors)
            # It is as old as what it replaces.
            born = {row.tag: row.created_at for row in stored}
            known = [(born[row.tags[0]], uid) for row, uid in zip(taught, uids, strict=True) if row.tags[0] in born]
            if known:
                run(connection, "UPDATE episode SET created_at = ? WHERE uid = ?", known)


def key_of(episode: Episode) -> str | None:
    """The key that an episode was put under; None when it was taught otherwise."""
    return episode.detail.get(KEY) if (episode.context or "").startswith(f"{KEY}:") else None


def occupied(memory: EpisodicMemory) -> list[str]:
    """The namespaces that hold a keyed episode that has not run out."""
    sql = (
        "SELECT n.path FROM namespace n WHERE EXISTS (SELECT 1 FROM episode e WHERE e.namespace_id = n.id "
        f"AND {_LIVE} AND e.context LIKE ?) ORDER BY n.path"
    )
    with memory._store.reading() as connection:
        return list(run(connection, sql, (now(), _FIRST)).scalars())


def _taught(key: str, row: Mapping[str, Any]) -> list[episode_rows.Taught]:
    """The key stands in the context, so that texts that are the same but for it are not the same, and in a tag, by
    which it is found; both outlast an export."""
    if not isinstance(key, str):
        raise BadInput("key", repr(key), "a text", "Make a text of it.")
    detail = {**row.get("detail", {}), KEY: key}
    try:
        json.dumps(detail)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{key!r}, detail", str(error), "what JSON can hold", "Make texts or numbers of it.") from None
    name = _name(key)
    own = {**row, "context": name, "tags": (name, *row.get("tags", ())), "detail": detail}
    others = own.pop("also", ())
    try:
        first = episode_rows.Taught(**own)
        return [first] + [
            replace(first, question=text, answer=text, context=f"{name}/{place}", detail={KEY: key})
            for place, text in enumerate(others, 1)
        ]
    except BadInput as error:
        raise BadInput(f"{key!r}, {error.field}", error.found, error.allowed, error.hint) from None


def _name(key: str) -> str:
    """Of any length, and with its case kept where memory folds it."""
    return f"{KEY}:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:_NAME_LENGTH]}"


def _stored(connection: sa.Connection, namespace: int | None, keys: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for some in _parts(keys):
        sql = f"SELECT e.id, e.uid, e.created_at, t.tag {_TAGGED} AND t.tag IN ({marks(some)})"
        found += run(connection, sql, (namespace, *map(_name, some))).all()
    return found


def _remove(connection: sa.Connection, namespace: int, stored: Sequence[Any]) -> None:
    items = [row.id for row in stored]
    editing.remove(connection, items)
    log.append(connection, namespace, "episode", items, "delete")


def _by_key(connection: sa.Connection, rows: Sequence[Any]) -> dict[str, Episode]:
    tags = tags_of(connection, [row.id for row in rows])
    found = [episode_of(row, tags.get(row.id, ())) for row in rows]
    return {episode.detail[KEY]: episode for episode in found}


def _parts(values: Sequence[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), _AT_ONCE):
        yield unique[start : start + _AT_ONCE]
