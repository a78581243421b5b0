"""Folders that cannot be written, indexes that are missing, locks that somebody left behind: it works, or the message
says what to do."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alen.errors import AlenError
from alen.memory import EpisodicMemory
from alen.memory.sealer import LOCK
from tests.memory.torture import children, life, tenants

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

NOBODY = 65534


@pytest.fixture(scope="module")
def sound(fast_folder: Path) -> Path:
    folder = fast_folder / "to be locked"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        children.plan(patched.setattr)
        tenants.build(folder)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path, fast_folder: Path) -> Iterator[Path]:
    """A copy that belongs to nobody, whom even root can become."""
    copy = tmp_path / "copy"
    shutil.copytree(sound, copy)
    shutil.copytree(sound, tmp_path / "sound")
    if os.geteuid() == 0:
        for place in (fast_folder, tmp_path):
            place.chmod(0o755)
        for place in (copy, *copy.rglob("*")):
            os.chown(place, NOBODY, NOBODY)
    yield copy
    for place in copy.rglob("*"):
        place.chmod(0o755)


def use(folder: Path, act: str) -> None:
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        if act != "look":
            memory.remember(question="Who rang?", answer="The post.", namespace="ann")
        tenants.shown(memory)
        for name in tenants.NAMES:
            memory.checkpoint(namespace=name)
        assert tenants.is_exact(memory)
        if act == "erase":
            memory.erase(source="book", namespace="ann")


def as_nobody(send: Callable[[Any], None], folder: Path, warm: Path, act: str) -> None:
    """What came of it: the word "fine", or an error of ALEN; anything else ends this process with a traceback."""
    if os.geteuid() == 0:
        use(warm, "erase")  # what Python loads when it is first needed may lie where nobody may look
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        use(folder, act)
    except AlenError as error:
        send(str(error))
    else:
        send("fine")


def came_of(folder: Path, act: str = "look") -> str:
    warm = folder.parent / f"warm {act}"
    shutil.copytree(folder.parent / "sound", warm)
    child = children.Child(as_nobody, folder, warm, act)
    assert child.finish() == 0
    return str(child.sent[0])


def read_only(*places: Path) -> None:
    for place in places:
        place.chmod(stat.S_IMODE(place.stat().st_mode) & ~0o222)


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    read_only(folder, *folder.glob("memory.db*"))
    said = came_of(folder)
    assert str(folder) in said
    assert "--store" in said


def test_an_index_that_cannot_be_written(folder: Path) -> None:
    """What is there serves, and what comes is compared one by one."""
    index = folder / "memory.db.index"
    read_only(index, *index.rglob("*"))
    assert came_of(folder, "teach") == "fine"
    assert "--repair" in came_of(folder, "erase")


def test_a_damaged_index_that_cannot_be_removed(folder: Path) -> None:
    index = folder / "memory.db.index"
    for file in index.rglob("CURRENT"):
        file.write_text("nonsense")
    read_only(index, *index.rglob("*"))
    assert came_of(folder, "teach") == "fine"


def test_a_database_that_cannot_be_written(folder: Path) -> None:
    read_only(folder / "memory.db")
    assert "--store" in came_of(folder)


def test_an_index_that_is_missing(folder: Path) -> None:
    shutil.rmtree(folder / "memory.db.index")
    assert came_of(folder, "teach") == "fine"
    assert list((folder / "memory.db.index").rglob("CURRENT"))


def test_an_index_that_cannot_be_made(folder: Path) -> None:
    """A file is where its folder should be."""
    shutil.rmtree(folder / "memory.db.index")
    (folder / "memory.db.index").write_text("in the way")
    assert came_of(folder, "teach") == "fine"


def test_locks_that_were_left_behind(folder: Path) -> None:
    """A lock is held by the system for a process, so that it goes with it; the file and what it says mean nothing, also
    when it names a process that lives and has nothing to do with it."""
    for lock in (folder / "memory.db.lock", *(folder / "memory.db.index").glob(f"*/*/{LOCK}")):
        lock.write_text(f"{os.getpid()}\n")
    if os.geteuid() == 0:
        os.chown(folder / "memory.db.lock", NOBODY, NOBODY)
    assert came_of(folder, "teach") == "fine"
    assert came_of(folder, "erase") == "fine"


def hold_for_ever(send: Callable[[Any], None], folder: Path) -> None:
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory, memory._store.writing() as connection:
        connection.exec_driver_sql("UPDATE episode SET strength = 2.0")
        send("held")
        time.sleep(children.WATCHDOG_SECONDS)


def test_the_lock_of_a_writer_who_was_killed(folder: Path) -> None:
    child = children.Child(hold_for_ever, folder)
    child.receive()
    child.kill()
    assert came_of(folder, "teach") == "fine"
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory, memory._store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM episode WHERE strength = 2.0").scalar() == 0
