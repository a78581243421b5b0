"""Building the HNSW index of a namespace in the background: neither commits nor searches wait for it."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from alen.memory.index import planning
from alen.memory.pgvector_tables import INDEXED_UP_TO, Extension
from alen.memory.sql import run

_LOGGER = logging.getLogger(__name__)

_BUILDING = 0x616C656F
"""The advisory lock of those who build, one for each index."""

LINKS, CARE = 16, 128
"""Of each row to others, and rows that are looked at to choose them: pgvector's own number, and twice its own."""

BYTES = {"halfvec": 2, "vector": 4}


def near_index(space: int, namespace: int) -> str:
    """The name of the index that finds the nearest rows of a namespace."""
    return f"vector_space_{space}_near_{namespace}"


class Builder:
    """Builds one index at a time in this process."""

    def __init__(self, url: sa.URL, extension: Extension) -> None:
        self._url, self._extension = url, extension
        self._thread: threading.Thread | None = None
        self._failed: set[str] = set()

    def begin(self, space: int, namespace: int) -> None:
        """Build in the background, unless something is being built already or this failed before."""
        if near_index(space, namespace) in self._failed or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._try, args=(space, namespace), name="alen-pgvector", daemon=True)
        self._thread.start()

    def build(self, space: int, namespace: int) -> bool:
        """Build the index when it is due and missing; whether it was. Waits for what is being built. Not to be called
        inside a transaction: the server would wait for its end."""
        if self._thread is not None:
            self._thread.join()
        engine = sa.create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            return self._built(connection, space, namespace)

    def _try(self, space: int, namespace: int) -> None:
        engine = sa.create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        try:
            with engine.connect() as connection:
                self._built(connection, space, namespace)
        except sa.exc.SQLAlchemyError as error:
            self._failed.add(near_index(space, namespace))
            _LOGGER.warning("Vectors of namespace %s go on being compared one by one: %s", namespace, error)

    def _built(self, connection: sa.Connection, space: int, namespace: int) -> bool:
        own, name = self._extension.own, near_index(space, namespace)
        if not run(connection, "SELECT pg_try_advisory_lock(?, hashtext(?))", (_BUILDING, f"{own}.{name}")).scalar():
            return False  # another process is at it
        try:
            kind = _due(connection, own, space, namespace)
            if kind is None:
                return False
            # What is there under this name is not valid: its building was interrupted.
            run(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {own}.{name}")
            run(
                connection,
                f"CREATE INDEX CONCURRENTLY {name} ON {own}.vector_space_{space} "
                f"USING hnsw (vec {self._extension.schema}.{kind}_ip_ops) WITH (m = {LINKS}, ef_construction = {CARE}) "
                f"WHERE namespace_id = {int(namespace)}",
            )
            run(connection, f"ANALYZE {own}.vector_space_{space}")
            return True
        finally:
            run(connection, "SELECT pg_advisory_unlock(?, hashtext(?))", (_BUILDING, f"{own}.{name}"))


def _due(connection: sa.Connection, own: str, space: int, namespace: int) -> str | None:
    """The type of the vectors where an index is wanted and missing."""
    sql = (
        "SELECT t.typname, a.atttypmod, coalesce(h.indisvalid, false) FROM pg_attribute a "
        "JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_index h ON h.indexrelid = to_regclass(?) "
        "WHERE a.attrelid = to_regclass(?) AND a.attname = 'vec'"
    )
    row = run(connection, sql, (f"{own}.{near_index(space, namespace)}", f"{own}.vector_space_{space}")).first()
    if row is None or row[2] or BYTES[row[0]] * row[1] > INDEXED_UP_TO:
        return None
    rows = f"SELECT 1 FROM {own}.vector_space_{space} WHERE namespace_id = ? LIMIT ?"
    counted = run(connection, f"SELECT count(*) FROM ({rows}) r", (namespace, planning.SEAL_FROM)).scalar() or 0
    return row[0] if counted >= planning.SEAL_FROM else None
