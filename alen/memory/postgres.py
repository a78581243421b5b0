"""Memory in PostgreSQL, shared by many machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from alen import paths
from alen.errors import BadInput

_TURN = 0x616C656E
"""The advisory lock of writers, one for each schema of the database."""

_WRITTEN_ANEW = (
    "document",
    "embedding",
    "episode",
    "episode_history",
    "episode_tag",
    "learned_state",
    "message",
    "passage",
    "session",
)


def vector_tables(connection: sa.Connection) -> list[str]:
    """Those that pgvector searches."""
    sql = (
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname ~ '^vector_space_[0-9]+$'"
    )
    return list(connection.exec_driver_sql(sql).scalars())


class Postgres:
    """One writer at a time across machines.

    A number that a sequence gave to one transaction can become visible after a higher one of another, and a reader of
    the log would then pass over it for ever. Writers take an advisory lock first, which PostgreSQL gives back only when
    what they wrote is visible: the order of the log is the order of commits."""

    file: Path | None = None

    def __init__(self, url: sa.URL) -> None:
        """Raises BadInput when the driver is missing."""
        if find_spec("psycopg") is None:
            raise BadInput("store", str(url), "an SQLite address, as psycopg is missing", "pip install alen[postgres]")
        self.url = url.set(drivername="postgresql+psycopg")

    @property
    def index_folder(self) -> Path | None:
        """Where this machine keeps the indexes that it made of the shared database."""
        return paths.home() / "index"

    def exists(self) -> bool:
        return True

    def engine(self) -> sa.Engine:
        return sa.create_engine(self.url, pool_pre_ping=True)

    @contextmanager
    def reading(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        # Every statement sees what was committed before it began: a snapshot taken here would be that of before the
        # turn came.
        with (
            engine.connect().execution_options(isolation_level="READ COMMITTED") as connection,
            connection.begin(),
        ):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN}, hashtext(current_schema()))")
            yield connection

    def bytes(self, engine: sa.Engine) -> int:
        """Of the tables with their indexes."""
        with self.reading(engine) as connection:
            sql = (
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = current_schema()"
            )
            return int(connection.exec_driver_sql(sql).scalar() or 0)

    def scrub(self, engine: sa.Engine) -> None:
        """Write the tables anew, without deleted rows. What backups and archived logs of the server hold is out of
        reach."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in (*_WRITTEN_ANEW, *vector_tables(connection)):
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")
            # Samples of columns, for the planner; only the owner of the database may.
            connection.exec_driver_sql("VACUUM (FULL) pg_catalog.pg_statistic")

    def rest(self, engine: sa.Engine) -> None:
        """Close what is idle; it is opened again when it is needed."""
        self.close(engine)

    def close(self, engine: sa.Engine) -> None:
        engine.dispose()

    def hint(self, said: str) -> str:
        """What to do about an error of the driver."""
        if "password" in said or "authentication" in said or "role" in said:
            return "Check the user and password in --store."
        if "connection" in said or "could not" in said:
            return "Start the server, or check host, port and database in --store."
        return "See what the server says, or choose another --store."
