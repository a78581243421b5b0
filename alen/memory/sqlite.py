"""Memory in an SQLite file, or in this process alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.pool import StaticPool

from alen.errors import BadInput, HomeNotWritable, StoreError
from alen.memory import faults

WAIT_SECONDS = 60
"""How long a writer waits for another process's transaction, which takes milliseconds."""

WRITER_CACHE = -32_000
"""KiB, negative as SQLite wants it: deleting and teaching thousands touch pages all over the file."""

KEPT = 4
"""Connections that wait for the next reader; the pool holds more."""

_PRAGMAS = (
    "busy_timeout = 30000",
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit is on disk when it returns, also when the power fails
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -1000",  # the system keeps the file at hand: more for each connection was not faster
    "temp_store = MEMORY",
)


class SQLite:
    """One writer at a time across threads and processes.

    A file lock is held around every write: it keeps writers in turn without "database is locked", and keeps commits of
    one connection from overlapping checkpoints of another, which corrupts databases under SQLite 3.7.0 to 3.51.2
    (sqlite.org/wal.html, "The WAL-Reset Bug")."""

    def __init__(self, url: sa.URL) -> None:
        """Raises BadInput for an address with a host or options, HomeNotWritable when the file cannot be made."""
        if url.host or url.query:
            raise BadInput("store", repr(str(url)), "an SQLite address of a file", "For example sqlite:///notes.db")
        self.file = None
        if url.database not in {None, "", ":memory:"}:
            self.file = Path(str(url.database)).expanduser().absolute()
            url = url.set(database=str(self.file))
        self.url = url
        self._turn = threading.RLock()
        self._locked = False
        self._idle: list[sa.Connection] = []
        self._writer: sa.Connection | None = None

    @property
    def index_folder(self) -> Path | None:
        """Where sealed indexes lie: beside the file."""
        return None if self.file is None else Path(f"{self.file}.index")

    def exists(self) -> bool:
        return self.file is not None and self.file.exists()

    def engine(self) -> sa.Engine:
        options: dict[str, Any] = {}
        if self.file is None:
            # Everything in one connection: an in-memory database exists only inside it.
            options["poolclass"] = StaticPool
        else:
            _make_place(self.file)
        engine = sa.create_engine(self.url, connect_args={"check_same_thread": False}, **options)
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
        return engine

    @contextmanager
    def reading(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        if self.file is None:
            with self._turn, engine.begin() as connection:
                yield connection
            return
        # Kept at hand: taking one from the pool and giving it back is a fifth of what a recall takes.
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = engine.connect()
        raw = _raw(connection)
        try:
            raw.execute("BEGIN")
            yield connection
            connection.rollback()
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    @contextmanager
    def writing(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        with self._alone():
            connection, self._writer = self._writer or self._new_writer(engine), None
            try:
                with connection.begin():
                    yield connection
                    faults.reach("transaction:done")
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        faults.reach("transaction:committed")

    def bytes(self, engine: sa.Engine) -> int:
        """On disk, write-ahead log included; 0 in memory."""
        if self.file is None:
            return 0
        files = [Path(f"{self.file}{suffix}") for suffix in ("", "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def scrub(self, engine: sa.Engine) -> None:
        """Leave nothing of deleted rows in any file: the full-text index forgets its old entries when it is merged, the
        database is written anew, and the write-ahead log is emptied."""
        with self._alone(), engine.connect() as connection:
            raw = _raw(connection)
            for table in ("passage_fts", "episode_fts"):
                raw.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
            faults.reach("scrub:merged")
            raw.execute("VACUUM")
            faults.reach("scrub:vacuumed")
            busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise StoreError(
                    f"{self.url}: another process reads, so that its log could not be emptied.",
                    "When it is done: alen memory verify --repair",
                )

    def rest(self, engine: sa.Engine) -> None:
        """Close what is idle, until it is needed. A database in memory lives in its one connection."""
        if self.file is not None:
            self.close(engine)

    def close(self, engine: sa.Engine) -> None:
        # The last connection to close folds the log into the database: a checkpoint, so it takes its turn.
        with self._alone():
            while self._idle:
                self._idle.pop().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            engine.dispose()

    def hint(self, said: str) -> str:
        """What to do about an error of the driver."""
        if "not a database" in said or "malformed" in said:
            return "The file is damaged or is something else: restore a copy, or choose another --store."
        if "readonly" in said or "unable to open" in said:
            return "Make the file and its folder writable, or choose another --store."
        return "Free some space or choose another --store."

    def _new_writer(self, engine: sa.Engine) -> sa.Connection:
        connection = engine.connect().execution_options(writes=True)
        if self.file is not None:
            _raw(connection).execute(f"PRAGMA cache_size = {WRITER_CACHE}")
        return connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn:
            if self.file is None or self._locked:
                yield
                return
            # A new one each time: one that was made before a fork is refused after it.
            lock = FileLock(f"{self.file}.lock", timeout=WAIT_SECONDS, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                raise StoreError(
                    f"{self.url}: another process has been writing for {WAIT_SECONDS} seconds.",
                    "End it, or try again when it is done.",
                ) from None
            except OSError as error:
                raise _unwritable(Path(lock.lock_file), error) from None
            self._locked = True
            try:
                yield
            finally:
                self._locked = False
                lock.release()


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


def _raw(connection: sa.Connection) -> Any:
    raw = connection.connection.driver_connection
    assert raw is not None  # a connection that is in use is open
    return raw


def _begin(connection: sa.Connection) -> None:
    # Taking the write lock at once: a read that becomes a write half-way would fail instead of waiting.
    raw = _raw(connection)
    if not raw.in_transaction:
        raw.execute("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
