"""The database: opened, migrated and guarded, with one writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from alen.errors import BadInput, StoreError
from alen.memory import faults, forks, schema
from alen.memory.identity import new_uid, now
from alen.memory.postgres import Postgres
from alen.memory.sql import run
from alen.memory.sqlite import SQLite


class Database(Protocol):
    """What differs from one kind of database to another. A read sees one moment; a write is alone, and on the disk when
    its block ends."""

    url: sa.URL
    file: Path | None

    @property
    def index_folder(self) -> Path | None: ...
    def exists(self) -> bool: ...
    def engine(self) -> sa.Engine: ...
    def reading(self, engine: sa.Engine) -> AbstractContextManager[sa.Connection]: ...
    def writing(self, engine: sa.Engine) -> AbstractContextManager[sa.Connection]: ...
    def bytes(self, engine: sa.Engine) -> int: ...
    def scrub(self, engine: sa.Engine) -> None: ...
    def rest(self, engine: sa.Engine) -> None: ...
    def close(self, engine: sa.Engine) -> None: ...
    def hint(self, said: str) -> str: ...


class Store:
    """A database at an SQLAlchemy URL, at the newest schema.

    Raises BadInput when the URL is of no known kind, HomeNotWritable when a file cannot be made or written, StoreError
    when it is not a memory, is damaged, cannot be reached, or was made by a newer ALEN."""

    def __init__(self, url: str) -> None:
        self._database = database(url)
        self.url, self.file = self._database.url, self._database.file
        self.index_folder = self._database.index_folder
        self._engine = self._database.engine()
        try:
            self._bring_up_to_date()
        except BaseException:
            self._engine.dispose()
            raise
        self._open = True
        forks.before_each(self._rest)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the database."""
        try:
            with forks.passing, self._database.reading(self._engine) as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            raise self._told(error) from error

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed, to the disk, when the block ends, and undone when it raises."""
        with forks.passing, self._errors(), self._database.writing(self._engine) as connection:
            yield connection

    def uuid(self, connection: sa.Connection) -> str:
        """Of the store, however often it was copied or moved."""
        return str(run(connection, "SELECT store_uuid FROM memory_meta").scalar())

    def bytes(self) -> int:
        """Size on disk; 0 in memory."""
        with self._errors():
            return self._database.bytes(self._engine)

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the files of the database."""
        with forks.passing, self._errors():
            self._database.scrub(self._engine)

    def close(self) -> None:
        self._open = False
        with forks.passing:
            self._database.close(self._engine)

    def _rest(self) -> None:
        if self._open:
            self._database.rest(self._engine)

    def _version(self) -> str | None:
        with self.reading() as connection:
            tables = set(sa.inspect(connection).get_table_names())
            if "alembic_version" in tables:
                return run(connection, "SELECT version_num FROM alembic_version").scalar()
            if tables:
                raise StoreError(f"{self.url} is a database, but not a memory of ALEN.", "Choose another --store.")
            return None

    def _bring_up_to_date(self) -> None:
        version = self._version()
        if version == schema.HEAD:
            return
        if version is not None and version > schema.HEAD:
            raise StoreError(
                f"{self.url} was made by a newer ALEN (schema {version}; this one knows {schema.HEAD}).",
                "Update ALEN: pip install -U alen",
            )
        # Alembic takes as long to load as everything else together: only when there is something to migrate.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                hint = "Open it with the ALEN that made it, or restore a copy."
                raise StoreError(f"{self.url} has a schema that this ALEN cannot reach: {error}.", hint) from None
            faults.reach("store:migrated")
            sql = "INSERT INTO memory_meta(id, store_uuid, created_at) VALUES (1, ?, ?) ON CONFLICT (id) DO NOTHING"
            run(connection, sql, (new_uid(), now()))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._told(error) from error

    def _told(self, error: sa.exc.DBAPIError) -> StoreError:
        said = str(error.orig).strip()
        return StoreError(f"{self.url}: {said}.", self._database.hint(said))


def database(url: str) -> Database:
    """The kind that a URL names. Raises BadInput."""
    hint = "For example sqlite:///notes.db, or postgresql://user@host/alen."
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BadInput("store", repr(url), "an SQLite or PostgreSQL URL", hint) from None
    kind = parsed.drivername.partition("+")[0]
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return SQLite(parsed)
    if kind in {"postgresql", "postgres"} and parsed.drivername in {kind, f"{kind}+psycopg"}:
        return Postgres(parsed)
    raise BadInput("store", repr(url), "an SQLite or PostgreSQL URL", hint)
