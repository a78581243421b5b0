"""Power is lost at any step of writing files, and all that was not flushed is gone, or got there by halves: an index is
the old one, the new one or none, and never a wrong one; what was acknowledged stays."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alen.errors import CorruptWeights
from alen.memory import EpisodicMemory, sealer, sqlite, transfer
from alen.memory.index import files
from alen.memory.index.files import Manifest, Unusable
from alen.memory.vector_cache import VectorCache
from tests.memory.torture import life
from tests.memory.torture.counts import times
from tests.memory.torture.power import Disk, Moment, lay_out

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
pytestmark = [
    pytest.mark.usefixtures("low"),
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="flushed files are told by /proc"),
]

TRIES = times(30, 3)
"""Of what may be left by chance, at each step."""


def question(number: int) -> str:
    return f"Where does gauge {number} hang?"


def rows(start: int) -> list[dict[str, Any]]:
    return [{"question": question(n), "answer": f"In hall {n}"} for n in range(start, start + 60)]


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EpisodicMemory]:
    # Every step is watched: none may come before the watch begins.
    monkeypatch.setattr(VectorCache, "seal_if_due", life.seal_when_asked)
    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as opened:
        opened.remember_many(rows(0))
        assert opened.checkpoint()["question"]["generation"] == 1
        yield opened


@pytest.fixture
def index(memory: EpisodicMemory, tmp_path: Path) -> Path:
    (found,) = (tmp_path / "memory.db.index").glob("*/*-question-*")
    return found


def seal_again(memory: EpisodicMemory, index: Path) -> tuple[Disk, Manifest]:
    """The next generation, watched from the first file to the removal of the old ones."""
    memory.remember_many(rows(100))
    disk = Disk(index)
    disk.begin()
    with pytest.MonkeyPatch.context() as patched:
        disk.watch(patched)
        memory.checkpoint()
    newest = files.current(index)
    assert newest is not None
    assert newest.generation == 2
    return disk, newest


def generation_in(folder: Path) -> int | None:
    try:
        found = files.current(folder)
        if found is None:
            return None
        files.check(folder, found)
        return found.generation
    except Unusable:
        return None


def published(disk: Disk) -> int:
    """The step at which the new generation was on the disk."""
    steps = [moment.what for moment in disk.moments]
    return next(
        place for place in range(steps.index("CURRENT.partial renamed"), len(steps)) if "folder" in steps[place]
    )


def test_an_index_is_the_old_one_or_the_new_one(memory: EpisodicMemory, index: Path, tmp_path: Path) -> None:
    disk, _ = seal_again(memory, index)
    assert len(disk.moments) > 20
    chance = random.Random(1)
    for place, moment in enumerate(disk.moments):
        for left in moment.remains(chance, TRIES):
            lay_out(tmp_path / "left", left)
            generation = generation_in(tmp_path / "left")
            assert generation == 2 if place >= published(disk) else generation in {1, 2}, moment.what


def test_the_memory_goes_on_with_what_is_left(memory: EpisodicMemory, index: Path, tmp_path: Path) -> None:
    disk, _ = seal_again(memory, index)
    memory.close()
    chance = random.Random(2)
    for moment in disk.moments[:: times(1, 5)]:
        for left in moment.remains(chance, 1):
            folder = tmp_path / "after"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            shutil.copy(tmp_path / "memory.db", folder / "memory.db")
            lay_out(folder / index.relative_to(tmp_path), left)
            with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as again:
                for number in (3, 103):
                    best = again.recall(question(number), 1, mode="dense")[0]
                    assert best.episode.answer == f"In hall {number}", moment.what
                assert again.verify("deep").problems == ()
                again.checkpoint()


def test_what_was_erased_does_not_come_back(memory: EpisodicMemory, index: Path) -> None:
    """When erasing returns, the folder is flushed."""
    disk = Disk(index)
    disk.begin()
    with pytest.MonkeyPatch.context() as patched:
        disk.watch(patched)
        memory.erase([memory.recall(question(3), 1)[0].episode.id])
    vector = life.OLD.encode([question(3)])[0].astype("<f2").tobytes()
    assert any(vector in content for content in disk.moments[0].contents.values())
    for left in disk.moments[-1].remains(random.Random(3), TRIES):
        assert not any(vector in content for content in left.values())
        assert set(left) <= {sealer.LOCK}


def test_an_export_is_whole_or_is_none(memory: EpisodicMemory, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    disk = Disk(folder)
    with pytest.MonkeyPatch.context() as patched:
        disk.watch(patched)
        manifest = memory.export(folder)
    whole = [_is_whole(moment, tmp_path / "left", manifest) for moment in disk.moments]
    assert set(whole[-1]) == {True}
    assert set(whole[0]) == {False}


def _is_whole(moment: Moment, folder: Path, manifest: dict[str, Any]) -> list[bool]:
    found = []
    for left in moment.remains(random.Random(4), TRIES):
        lay_out(folder, left)
        try:
            assert transfer.read_manifest(folder) == manifest
            found.append(True)
        except CorruptWeights:
            found.append(False)
    return found


def test_the_model_loses_what_was_not_flushed(memory: EpisodicMemory, index: Path, tmp_path: Path) -> None:
    """Without flushing, the new generation would be damaged or none: else the tests above would say nothing."""
    disk = Disk(index, flushes=False)
    disk.begin()
    memory.remember_many(rows(100))
    with pytest.MonkeyPatch.context() as patched:
        disk.watch(patched)
        memory.checkpoint()
    outcomes = set()
    for left in disk.moments[-1].remains(random.Random(1), 5):
        lay_out(tmp_path / "left", left)
        outcomes.add(generation_in(tmp_path / "left"))
    assert None in outcomes


def test_the_database_flushes_each_commit() -> None:
    """What SQLite itself does with this is told at sqlite.org/pragma.html#pragma_synchronous."""
    assert "synchronous = FULL" in sqlite._PRAGMAS
    assert "journal_mode = WAL" in sqlite._PRAGMAS
