"""The vectors of the namespaces that were looked into: shared by the threads that search, alone for the one that brings
them up to date."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from alen.memory import log, namespaces, spaces
from alen.memory.index import planning
from alen.memory.log import Seen
from alen.memory.pgvector import Pgvector
from alen.memory.sealer import sealers_of
from alen.memory.store import Store
from alen.memory.vectors import NamespaceVectors
from alen.types import Encoder


class VectorCache:
    """One ``NamespaceVectors`` a namespace, made when it is first asked for."""

    def __init__(self, store: Store, encoder: Encoder | None, gpu: bool, shared: Pgvector | None) -> None:
        self._store = store
        self._encoder = encoder
        self._gpu = gpu
        self._shared = shared
        self._known: dict[int, tuple[int, NamespaceVectors]] = {}
        self._turn = _ReadersAndWriter()

    @contextmanager
    def shared(self, connection: sa.Connection, seen: Seen, fresh: bool = True) -> Iterator[NamespaceVectors | None]:
        """With everything that ``connection`` sees, unless ``fresh`` is false; None when nothing was embedded yet. They
        do not change while the block runs."""
        if seen.spaces == 0:
            yield None
            return
        if self._shared is not None:
            yield self._stored(connection, seen, self._shared)
            return
        while True:
            with self._turn.reading():
                spaces_sum, vectors = self._known.get(seen.namespace, (None, None))
                if vectors is not None and (not fresh or (spaces_sum == seen.spaces and vectors.covers(seen.newest))):
                    yield vectors
                    return
            with self._turn.writing():
                self._refresh(connection, seen)

    def refreshed(self, connection: sa.Connection, path: str) -> NamespaceVectors | None:
        """For upkeep, which works on a namespace alone."""
        seen = log.look(connection, path)
        if seen is None or seen.spaces == 0:
            return None
        with self._turn.writing():
            return self._refresh(connection, seen)

    def seal_if_due(self, path: str, *, wait: bool = False) -> None:
        """Begin to seal, in the background, what has grown or changed much since it was sealed; with ``wait`` until
        nothing is due any more."""
        while True:
            with self._store.reading() as connection:
                seen = log.look(connection, path)
                if seen is None or seen.spaces == 0:
                    return
                with self._turn.writing():
                    vectors = self._opened(connection, seen)
                busy = vectors.busy
                due = vectors.due(connection, planning.REBUILD_AT if wait else planning.UNASKED)
            for sealer in due:
                sealer.begin()
            if not wait:
                return
            # Not while reading: a database that makes an index waits for the end of older reads. What was under way
            # began before the newest rows came: then there is another look.
            vectors.wait()
            if not busy and not due:
                return

    def drop(self, path: str | None = None) -> None:
        """Throw away the indexes of a namespace, or all of them, on the disk too."""
        with self._store.reading() as connection:
            number = None if path is None else namespaces.find(connection, path)
            with self._turn.writing():
                keys = [key for key in self._known if number is None or key == number]
                dropped = [self._known.pop(key)[1] for key in keys]
        for vectors in dropped:
            vectors.wait()
            vectors.discard()

    def use(self, encoder: Encoder) -> None:
        """From now on vectors are of this encoder."""
        self._encoder = encoder

    def close(self) -> None:
        """Wait for what is being sealed: a half-made index is lost work."""
        for _, vectors in list(self._known.values()):
            vectors.wait()

    def _stored(self, connection: sa.Connection, seen: Seen, shared: Pgvector) -> NamespaceVectors:
        """They live as long as the transaction of ``connection``."""
        if self._encoder is not None:
            spaces.check(connection, self._encoder)
        return shared.vectors(connection, seen.namespace, spaces.active(connection))

    def _refresh(self, connection: sa.Connection, seen: Seen) -> NamespaceVectors:
        vectors = self._opened(connection, seen)
        vectors.refresh(connection)
        return vectors

    def _opened(self, connection: sa.Connection, seen: Seen) -> NamespaceVectors:
        if self._shared is not None:
            return self._stored(connection, seen, self._shared)
        spaces_sum, vectors = self._known.get(seen.namespace, (None, None))
        if vectors is None or spaces_sum != seen.spaces:
            if self._encoder is not None:
                # Another process may have moved the store to another encoder.
                spaces.check(connection, self._encoder)
            in_use = spaces.active(connection)
            ids = {kind: space[0] for kind, space in in_use.items()}
            dim = next(iter(in_use.values()))[3]
            sealers = sealers_of(self._store, connection, seen.namespace, in_use, self._gpu)
            vectors = NamespaceVectors(seen.namespace, dim, ids, sealers)
            self._known[seen.namespace] = (seen.spaces, vectors)
        return vectors


class _ReadersAndWriter:
    """Many readers, or one writer, who need not wait for readers that come after."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writers = 0  # waiting or at work
        self._alone = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            while self._writers:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._changed:
            self._writers += 1
            while self._alone or self._readers:
                self._changed.wait()
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._alone = False
                self._changed.notify_all()
