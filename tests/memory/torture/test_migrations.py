"""A store that an earlier ALEN has made opens with everything in it; one of a later ALEN is refused and left alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import alen.memory
from alen.errors import StoreError
from alen.memory import EpisodicMemory, schema
from alen.memory.identity import content_hash, episode_hash, question_hash
from alen.memory.store import Store
from tests.memory.conftest import BOTH
from tests.memory.torture import children, life

MOMENT = "2026-01-02T03:04:05.678+00:00"
ROWS = 60


def script() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(alen.memory.__file__).parent / "migrations"))
    return config


EARLIER = [each.revision for each in ScriptDirectory.from_config(script()).walk_revisions()][1:]


class _Made(Store):
    """A store as it was at a revision, with what was in it then."""

    def __init__(self, url: str, revision: str) -> None:
        self.revision = revision
        super().__init__(url)

    def _bring_up_to_date(self) -> None:
        config = script()
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, self.revision)
            fill(connection)


def fill(connection: sa.Connection) -> None:
    """Only columns of the first schema, as any later one has them too."""

    def insert(table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO {table}({names}) VALUES ({marks})"), values)

    insert("memory_meta", id=1, store_uuid="0190-old", created_at=MOMENT)
    insert("namespace", id=1, path="default", created_at=MOMENT)
    insert("document", id=1, namespace_id=1, source="book", content_hash=b"1", created_at=MOMENT, updated_at=MOMENT)
    for space, kind in enumerate(("question", "passage", "sentence"), 1):
        insert("embedding_space", id=space, kind=kind, model="hash", fingerprint=life.OLD.fingerprint, dim=life.OLD.dim,
               dtype="float16", state="active", created_at=MOMENT)  # fmt: skip
    for n in range(1, ROWS + 1):
        question, answer, text = f"Where does gauge {n} hang?", f"In hall {n}", f"Kiln {n} is hot."
        vectors = life.OLD.encode([question, text]).astype("<f2")
        insert("episode", id=n, uid=f"uid-{n}", namespace_id=1, kind="taught", question=question, answer=answer,
               tier="gold", confidence=0.9, source="user", detail_json="{}", status="active", valid_from=MOMENT,
               content_hash=episode_hash(question, answer, None), question_hash=question_hash(question),
               created_at=MOMENT, updated_at=MOMENT, embedded=True)  # fmt: skip
        insert("passage", id=n, namespace_id=1, document_id=1, ordinal=n, text=text, char_start=0, char_end=len(text),
               sentences=f"[[0, {len(text)}]]", content_hash=content_hash(None, text), status="active", embedded=True,
               created_at=MOMENT)  # fmt: skip
        insert("embedding", space_id=1, item_id=n, vec=vectors[0].tobytes())
        for space in (2, 3):
            insert("embedding", space_id=space, item_id=n, vec=vectors[1].tobytes())
        insert("memory_log", namespace_id=1, item="episode", item_id=n, op="upsert")
        insert("memory_log", namespace_id=1, item="passage", item_id=n, op="upsert")
    insert("episode_tag", episode_id=3, tag="north")
    insert("learned_state", namespace_id=1, key="calibration", value_json="[1, 2]", updated_at=MOMENT)
    if connection.dialect.name != "sqlite":
        for table in ("namespace", "document", "embedding_space", "episode", "passage"):
            connection.execute(sa.text(f"SELECT setval('{table}_id_seq', {ROWS})"))


def is_all_there(memory: EpisodicMemory) -> None:
    for n in (1, 3, ROWS):
        best = memory.recall(f"Where does gauge {n} hang?", 1)[0].episode
        assert (best.id, best.answer, best.confidence, best.created_at) == (f"uid-{n}", f"In hall {n}", 0.9, MOMENT)
        assert memory.recollect(f"Kiln {n} is hot.").passages[0].passage.text == f"Kiln {n} is hot."
    assert memory.get("uid-3").tags == ("north",)
    assert memory.load_state("calibration") == [1, 2]
    assert memory.verify("deep").problems == ()


@BOTH
@pytest.mark.parametrize("revision", EARLIER)
def test_a_store_of_an_earlier_version_opens_with_all_that_is_in_it(url: str, revision: str, low: None) -> None:
    _Made(url, revision).close()
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        is_all_there(memory)
        with memory._store.reading() as connection:
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == schema.HEAD
            assert memory._store.uuid(connection) == "0190-old"
        memory.checkpoint()
        is_all_there(memory)
        memory.update("uid-1", answer="In the yard")
        memory.remember(question="Who rang?", answer="The post.")
        memory.erase(["uid-2"])
        assert [version["answer"] for version in memory.history("uid-1")] == ["In hall 1", "In the yard"]
        assert memory.verify("deep").problems == ()


@pytest.mark.parametrize("revision", EARLIER)
def test_a_move_to_a_newer_version_that_is_killed_is_made_again(tmp_path: Path, revision: str) -> None:
    _Made(life.place(tmp_path), revision).close()
    exported = tmp_path / "none"
    child = children.Child(life.live, tmp_path, exported, ("open",), fault="store:migrated")
    assert child.finish() == children.KILLED
    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory:
        is_all_there(memory)


def test_a_store_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory:
        memory.remember(question="Who rang?", answer="The post.")
        with memory._store.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9001'")
    before = (tmp_path / "memory.db").read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"schema 9001.*Update ALEN"):
            EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD)
    assert (tmp_path / "memory.db").read_bytes() == before


def test_a_store_whose_migration_is_unknown_is_refused(tmp_path: Path) -> None:
    """Of a branch that never was released; its number is not later, and nothing leads from it to here."""
    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory, memory._store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreError):
        EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD)


def test_a_copy_made_while_it_was_open_opens(tmp_path: Path) -> None:
    """With the log beside it, as a backup of the folder would have it."""
    (tmp_path / "one").mkdir()
    with EpisodicMemory.open(life.place(tmp_path / "one"), encoder=life.OLD) as memory:
        uid = memory.remember(question="Who rang?", answer="The post.")
        shutil.copytree(tmp_path / "one", tmp_path / "two")
    with EpisodicMemory.open(life.place(tmp_path / "two"), encoder=life.OLD) as memory:
        assert memory.get(uid).answer == "The post."
        assert memory.verify("deep").problems == ()
