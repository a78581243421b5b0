"""The database is an older copy, or a copy of another one, and the index is of one that is gone: it is not believed."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from alen.memory import EpisodicMemory
from alen.memory.index import files
from tests.memory.torture import life

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
pytestmark = pytest.mark.usefixtures("low")

BEFORE, AFTER = range(60), range(60, 120)


def rows(numbers: range, said: str) -> list[dict[str, Any]]:
    return [{"question": f"Where does gauge {n} hang?", "answer": f"{said} {n}"} for n in numbers]


def opened(folder: Path) -> EpisodicMemory:
    return EpisodicMemory.open(life.place(folder), encoder=life.OLD)


@pytest.fixture
def two_moments(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a sealed index, and a copy of its database from before half of it was taught."""
    then = tmp_path / "then.db"
    with opened(tmp_path) as memory:
        memory.remember_many(rows(BEFORE, "hall"))
        memory.checkpoint()
    shutil.copy(tmp_path / "memory.db", then)
    with opened(tmp_path) as memory:
        memory.remember_many(rows(AFTER, "hall"))
        assert memory.checkpoint()["question"]["generation"] == 2
    return tmp_path, then


def is_right(memory: EpisodicMemory, answers: dict[int, str]) -> None:
    for n in (*BEFORE, *AFTER):
        best = memory.recall(f"Where does gauge {n} hang?", 1, mode="dense")[0].episode
        assert (best.answer == answers[n]) if n in answers else (best.answer in answers.values())
    assert memory.verify("deep").problems == ()


def test_an_older_database_under_a_newer_index(two_moments: tuple[Path, Path]) -> None:
    folder, then = two_moments
    shutil.copy(then, folder / "memory.db")
    with opened(folder) as memory:
        is_right(memory, {n: f"hall {n}" for n in BEFORE})
        assert memory.checkpoint()["question"]["rows"] == len(BEFORE)
        is_right(memory, {n: f"hall {n}" for n in BEFORE})


def test_an_older_database_that_has_grown_past_the_index(two_moments: tuple[Path, Path]) -> None:
    """Numbers of the log and of episodes were given again, to something else."""
    folder, then = two_moments
    shutil.copy(then, folder / "memory.db")
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        memory.remember_many(rows(range(60, 125), "tower"))
        is_right(memory, {n: f"{'hall' if n < 60 else 'tower'} {n}" for n in (*BEFORE, *AFTER)})


def test_entries_of_before_the_random_numbers(two_moments: tuple[Path, Path]) -> None:
    """The first schema had none: that an entry is missing must be enough."""
    folder, then = two_moments
    with opened(folder) as memory:
        with memory._store.writing() as connection:
            connection.exec_driver_sql("UPDATE memory_log SET nonce = NULL")
        for sealed in (folder / "memory.db.index").glob("*/*"):
            shutil.rmtree(sealed)
        assert memory.checkpoint()["question"]["rows"] == len(BEFORE) + len(AFTER)
    shutil.copy(then, folder / "memory.db")
    with opened(folder) as memory:
        with memory._store.writing() as connection:
            connection.exec_driver_sql("UPDATE memory_log SET nonce = NULL")
        is_right(memory, {n: f"hall {n}" for n in BEFORE})


def test_two_copies_that_have_gone_their_own_ways(two_moments: tuple[Path, Path], tmp_path: Path) -> None:
    """They share the number of the store, and each believes its own index only."""
    folder, then = two_moments
    twin = tmp_path / "twin"
    twin.mkdir()
    shutil.copy(then, twin / "memory.db")
    shutil.copytree(folder / "memory.db.index", twin / "memory.db.index")
    with opened(twin) as memory:
        memory.remember_many(rows(AFTER, "tower"))
        is_right(memory, {n: f"{'hall' if n < 60 else 'tower'} {n}" for n in (*BEFORE, *AFTER)})


def test_a_look_at_an_earlier_moment_does_not_throw_away_a_newer_index(two_moments: tuple[Path, Path]) -> None:
    """A reader may have begun before the entries were written that an index, made meanwhile, ends with."""
    folder, _ = two_moments
    with opened(folder) as memory, opened(folder) as slow, slow._store.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM episode")
        seal = threading.Thread(target=_grow, args=(memory,))
        seal.start()
        seal.join()
        (index,) = (folder / "memory.db.index").glob("*/*-question-*")
        newest = files.current(index)
        assert newest is not None
        assert newest.generation == 3
        vectors = slow._vectors.refreshed(connection, "default")
        assert vectors is not None
        # What is newer than the moment is in the index too; it is left out when it is read.
        assert len(vectors.items("question")) == len(BEFORE) + len(AFTER) + 60
        assert files.current(index) == newest
        files.check(index, newest)


def _grow(memory: EpisodicMemory) -> None:
    memory.remember_many(rows(range(200, 260), "yard"))
    memory.checkpoint()
