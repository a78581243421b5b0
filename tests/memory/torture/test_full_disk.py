"""The disk is full: a clear error, what was there still serves, nothing is silently short, and when there is room again
everything goes on."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alen.errors import StoreError
from alen.memory import EpisodicMemory
from alen.memory.index import files
from tests.memory.torture import children, life

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

ROOM = 3 << 20


def many(start: int) -> list[dict[str, Any]]:
    """Rows of a kilobyte, so that not much has to be written before a disk is full."""
    return [{"question": f"What is {n}?", "answer": f"{n} " * 250} for n in range(start, start + 100)]


def fill(memory: EpisodicMemory) -> tuple[int, StoreError]:
    """Teach until there is no room; how many rows were acknowledged."""
    stored = memory.stats()["episodes"]["gold"]
    try:
        while True:
            stored += memory.remember_many(many(stored)).stored
    except StoreError as error:
        return stored, error


def outgrow(send: Callable[[Any], None], folder: Path, work: str) -> None:
    """Files of this process cannot grow beyond what they are, which is what a full disk looks like to it."""
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        limit = 20_000 if work != "teach" else (folder / "memory.db").stat().st_size + 200_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if work == "teach":
            stored, error = fill(memory)
            send((stored, str(error)))
            send(len(memory.recall("What is 7?", 3)))
        elif work == "export":
            try:
                memory.export(folder / "out")
            except StoreError as error:
                send(str(error))
        else:
            memory.checkpoint()
            send(len(memory.recall("What is 7?", 3)))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory:
        for start in range(0, 400, 100):
            memory.remember_many(many(start))
    return tmp_path


def test_a_commit_that_does_not_fit_is_refused_and_nothing_of_it_is_there(filled: Path) -> None:
    child = children.Child(outgrow, filled, "teach")
    assert child.finish() == 0
    (stored, said), hits = child.sent
    assert "memory.db" in said
    assert "Free some space" in said
    assert hits == 3
    with EpisodicMemory.open(life.place(filled), encoder=life.OLD) as memory:
        assert memory.stats()["episodes"]["gold"] == stored
        assert memory.remember_many(many(stored)).stored == 100
        assert memory.verify("deep").problems == ()


def test_a_sealing_that_does_not_fit_leaves_no_index(filled: Path, low: None) -> None:
    child = children.Child(outgrow, filled, "seal")
    assert child.finish() == 0
    assert child.sent == [3]
    (folder,) = (filled / "memory.db.index").glob("*/*-question-*")
    assert files.current(folder) is None
    with EpisodicMemory.open(life.place(filled), encoder=life.OLD) as memory:
        assert memory.checkpoint()["question"]["rows"] == 400
        assert not files.leftovers(folder, files.current(folder))
        assert memory.verify("deep").problems == ()


def test_an_old_generation_serves_when_the_next_does_not_fit(filled: Path, low: None) -> None:
    with EpisodicMemory.open(life.place(filled), encoder=life.OLD) as memory:
        memory.checkpoint()
        memory.remember_many(many(400))
        memory.remember_many(many(500))
    (folder,) = (filled / "memory.db.index").glob("*/*-question-*")
    before = files.current(folder)
    child = children.Child(outgrow, filled, "seal")
    assert child.finish() == 0
    assert child.sent == [3]
    assert before is not None
    assert files.current(folder) == before
    files.check(folder, before)
    with EpisodicMemory.open(life.place(filled), encoder=life.OLD) as memory:
        assert memory.checkpoint()["question"]["rows"] == 600
        assert not files.leftovers(folder, files.current(folder))


def test_an_export_that_does_not_fit_leaves_nothing_that_looks_like_one(filled: Path) -> None:
    child = children.Child(outgrow, filled, "export")
    assert child.finish() == 0
    (said,) = child.sent
    assert "Free some space" in said
    assert list((filled / "out").iterdir()) == []
    with EpisodicMemory.open(life.place(filled), encoder=life.OLD) as memory:
        assert memory.export(filled / "out")["files"]["episodes.jsonl"]["rows"] == 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted only by root, and not in every container")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, low: None) -> None:
    with EpisodicMemory.open(life.place(small_disk), encoder=life.OLD) as memory:
        stored, error = fill(memory)
        assert "full" in str(error) or "I/O" in str(error)
        assert len(memory.recall("What is 7?", 3)) == 3
        memory.checkpoint()
        with pytest.raises(StoreError, match="Free some space"):
            memory.export(small_disk / "out")
        assert memory.stats()["episodes"]["gold"] == stored
        for partial in small_disk.rglob("*.partial"):
            raise AssertionError(partial)
        subprocess.run(["mount", "-o", f"remount,size={4 * ROOM}", str(small_disk)], check=True)
        assert memory.remember_many(many(stored)).stored == 100
        memory.checkpoint()
        assert memory.verify("deep").problems == ()
        memory.export(small_disk / "out")
