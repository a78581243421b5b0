"""Opening: new, again, foreign, damaged, newer, unreachable; and the schema that migrations make."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from alen.errors import BadInput, EmbeddingMismatch, HomeNotWritable, StoreError, UnknownNamespace
from alen.memory import EpisodicMemory, schema
from alen.memory.store import Store
from tests.memory.conftest import HashEncoder, drafts


def test_migrations_make_the_tables_of_the_schema(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD
    store = Store(url)
    with store.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, parents: "_fts" not in (name or "")}
        )
        assert compare_metadata(context, schema.metadata) == []
        checks = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'episode'").scalar()
        assert schema.RECALLABLE in str(checks)
    store.close()


def test_a_current_store_opens_without_alembic(url: str) -> None:
    Store(url).close()
    program = (
        f"import sys; from alen.memory.store import Store; Store({url!r}).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_connections_are_careful(url: str) -> None:
    store = Store(url)
    with store.writing() as connection:
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
        assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted} == wanted
        with pytest.raises(sa.exc.IntegrityError):
            connection.exec_driver_sql("INSERT INTO session(namespace_id, name, created_at) VALUES (99, 'x', 'now')")
    store.close()


def test_a_failed_write_leaves_nothing(url: str) -> None:
    store = Store(url)

    def fail() -> None:
        with store.writing() as connection:
            connection.exec_driver_sql("INSERT INTO namespace(path, created_at) VALUES ('x', 'now')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM namespace").scalar() == 0
    store.close()


@pytest.mark.parametrize(
    "url", ["", "notes.db", "mysql://localhost/alen", "sqlite://host/notes.db", "sqlite:///notes.db?mode=ro"]
)
def test_urls_that_are_not_understood(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        EpisodicMemory.open(url)
    assert caught.value.field == "store"


def test_a_store_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "memory.db", tmp_path / "file" / "deeper" / "memory.db", tmp_path):
        with pytest.raises(HomeNotWritable) as caught:
            EpisodicMemory.open(f"sqlite:///{path}")
        assert caught.value.field == "store"
        assert str(path) in caught.value.found


def test_something_else_is_not_a_memory(tmp_path: Path) -> None:
    file = tmp_path / "memory.db"
    file.write_bytes(b"this is not a database but long enough to be taken for one" * 50)
    with pytest.raises(StoreError, match="not a database"):
        EpisodicMemory.open(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"this is not")
    file.unlink()
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE recipe(name TEXT)")
    engine.dispose()
    with pytest.raises(StoreError, match="not a memory of ALEN"):
        EpisodicMemory.open(f"sqlite:///{file}")


def test_damage_is_reported(url: str, tmp_path: Path) -> None:
    with EpisodicMemory.open(url) as memory:
        memory.teach_passages("a", drafts(*(f"Kiln {number} is hot." for number in range(300))), content_hash="1")
    file = tmp_path / "memory.db"
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="malformed"), EpisodicMemory.open(url) as memory:
        memory.recollect("kiln")


def test_a_newer_store_is_refused(url: str) -> None:
    store = Store(url)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match="newer ALEN"):
        EpisodicMemory.open(url)


def test_looking_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownNamespace, match="alen teach"):
        EpisodicMemory.open(f"sqlite:///{tmp_path / 'memory.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


def test_another_encoder_is_refused(url: str) -> None:
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        memory.remember(question="Where?", answer="There")
    for other in (HashEncoder(fingerprint="other"), HashEncoder(dim=64)):
        with pytest.raises(EmbeddingMismatch, match="hash"):
            EpisodicMemory.open(url, encoder=other)
    with EpisodicMemory.open(url) as memory:
        assert memory.stats()["encoder"] == {"name": "hash", "dim": 256}


def test_an_encoder_that_breaks_its_promise_stores_nothing(url: str) -> None:
    class Unnormalised(HashEncoder):
        def encode(self, texts: list[str]) -> np.ndarray:
            return super().encode(texts) * 3

    with EpisodicMemory.open(url, encoder=Unnormalised()) as memory:
        with pytest.raises(BadInput, match="unit vectors"):
            memory.remember(question="Where?", answer="There")
        assert memory.stats()["episodes"]["gold"] == 0


def test_memory_in_memory() -> None:
    with EpisodicMemory.open("sqlite://", encoder=HashEncoder()) as memory:
        memory.teach_passages("a", drafts("The kiln is hot."), content_hash="1")
        assert len(memory.recollect("kiln").passages) == 1
        assert memory.stats()["bytes"] == 0


def test_two_processes_make_one_store(url: str) -> None:
    program = (
        "import sys; from alen.memory import EpisodicMemory\n"
        f"with EpisodicMemory.open({url!r}) as memory:\n"
        "    for number in range(20):\n"
        "        memory.remember(question=f'{sys.argv[1]} {number}?', answer='yes')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, name]) for name in ("one", "two", "three")]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    with EpisodicMemory.open(url) as memory:
        assert memory.stats()["episodes"]["gold"] == 60


def test_sqlite_has_no_pgvector(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="sqlite") as caught:
        EpisodicMemory.open(f"sqlite:///{tmp_path / 'memory.db'}", index="pgvector")
    assert caught.value.field == "index"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_looked_through_from_end_to_end(tmp_path: Path, encoder: HashEncoder) -> None:
    """What is done all the time takes as long in a large store as in a small one."""
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        with EpisodicMemory.open(f"sqlite:///{tmp_path / 'memory.db'}", encoder=encoder) as memory:
            asked.clear()
            memory.remember(question="Who leads the guild?", answer="Ilse Brandt", tags=["guild"])
            memory.recall("Who leads the guild?", 3)
            memory.recall("Who leads the guild?", 3, where={"tags": "guild"})
            memory.delete([memory.remember(question=f"Who is {n}?", answer="Nobody.") for n in range(20)])
        with EpisodicMemory.open(f"sqlite:///{tmp_path / 'memory.db'}", encoder=encoder) as memory:
            pass
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    with sqlite3.connect(tmp_path / "memory.db") as raw:
        for statement in asked:
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
                plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", ["1"] * statement.count("?")).fetchall()
                steps = " ".join(row[3] for row in plan)
                assert "SCAN episode" not in steps or "USING INDEX ix_episode_unembedded" in steps, statement
                assert "ix_episode_namespace" not in steps, statement
