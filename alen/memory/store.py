"""The database: opened, migrated and guarded, with one writer at a time across threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.pool import StaticPool

from alen.errors import BadInput, HomeNotWritable, StoreError
from alen.memory import schema
from alen.memory.identity import new_uid, now

WAIT_SECONDS = 60
"""How long a writer waits for another process's transaction, which takes milliseconds."""

_PRAGMAS = (
    "busy_timeout = 30000",
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit is on disk when it returns, also when the power fails
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -16000",
    "temp_store = MEMORY",
)


class Store:
    """An SQLite database at an SQLAlchemy URL, at the newest schema.

    A file lock is held around every write: it keeps writers in turn without "database is locked", and keeps commits of
    one connection from overlapping checkpoints of another, which corrupts databases under SQLite 3.7.0 to 3.51.2
    (sqlite.org/wal.html, "The WAL-Reset Bug").

    Raises BadInput when the URL is no SQLite URL, HomeNotWritable when the file cannot be made or written, StoreError
    when it is not a memory, is damaged, or was made by a newer ALEN."""

    def __init__(self, url: str) -> None:
        self.url, self.file = parse(url)
        self._turn = threading.RLock()
        self._file_lock: FileLock | None = None
        if self.file is not None:
            _make_place(self.file)
            self._file_lock = FileLock(f"{self.file}.lock", timeout=WAIT_SECONDS, thread_local=False)
        # Everything in one connection: an in-memory database exists only inside it.
        options: dict[str, Any] = {} if self.file else {"poolclass": StaticPool}
        self._engine = sa.create_engine(self.url, connect_args={"check_same_thread": False}, **options)
        sa.event.listen(self._engine, "connect", _prepare)
        sa.event.listen(self._engine, "begin", _begin)
        try:
            self._bring_up_to_date()
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the database."""
        alone = nullcontext() if self.file else self._turn
        with alone, _errors(self.url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed, to the disk, when the block ends, and undone when it raises."""
        with (
            self._turn,
            self._alone(),
            _errors(self.url),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def bytes(self) -> int:
        """Size on disk, write-ahead log included; 0 in memory."""
        if self.file is None:
            return 0
        files = [Path(f"{self.file}{suffix}") for suffix in ("", "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        # The last connection to close folds the log into the database: a checkpoint, so it takes its turn.
        with self._turn, self._alone():
            self._engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._file_lock is None:
            yield
            return
        try:
            self._file_lock.acquire()
        except Timeout:
            raise StoreError(
                f"{self.url}: another process has been writing for {WAIT_SECONDS} seconds.",
                "End it, or try again when it is done.",
            ) from None
        except OSError as error:
            raise _unwritable(Path(self._file_lock.lock_file), error) from None
        try:
            yield
        finally:
            self._file_lock.release()

    def _version(self) -> str | None:
        with self.reading() as connection:
            tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
            if "alembic_version" in tables:
                return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
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

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if version is None:
                row = {"id": 1, "store_uuid": new_uid(), "created_at": now()}
                connection.execute(sa.insert(schema.memory_meta).prefix_with("OR IGNORE"), row)


def parse(url: str) -> tuple[sa.URL, Path | None]:
    """The URL with its path made absolute, and the path; None for a database in memory. Raises BadInput."""
    hint = "For example sqlite:///notes.db, or sqlite:////var/lib/alen/memory.db with an absolute path."
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BadInput("store", repr(url), "an SQLite URL", hint) from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"} or parsed.host or parsed.query:
        raise BadInput("store", repr(url), "an SQLite URL", hint)
    if parsed.database in {None, "", ":memory:"}:
        return parsed, None
    file = Path(str(parsed.database)).expanduser().absolute()
    return parsed.set(database=str(file)), file


def _make_place(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "ab"):
            pass
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(file: Path, error: OSError) -> HomeNotWritable:
    return HomeNotWritable(
        "store",
        f"{file} ({error.strerror or error})",
        "a file that can be created and written",
        "Choose another place with --store or ALEN_HOME.",
    )


def _prepare(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late and never be IMMEDIATE
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    # Taking the write lock at once: a read that becomes a write half-way would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def _errors(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig)
        hint = "Free some space or choose another --store."
        if "not a database" in said or "malformed" in said:
            hint = "The file is damaged or is something else: restore a copy, or choose another --store."
        elif "readonly" in said or "unable to open" in said:
            hint = "Make the file and its folder writable, or choose another --store."
        raise StoreError(f"{url}: {said}.", hint) from error
