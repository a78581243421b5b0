"""Files of sealed indexes are flipped, cut, emptied, exchanged, deleted and set back: no process dies of it, nobody is
shown what is another's, it is noticed or harmless, and after a repair the answers are those of an exact comparison."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.memory import EpisodicMemory
from alen.memory.index import files
from tests.memory.torture import children, life, tenants
from tests.memory.torture.counts import FLIPS

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

KINDS = ("vec", "ivf", "item", "start", "json", "CURRENT")
Damage = Callable[[Path, random.Random], None]


@pytest.fixture(scope="module")
def sound(fast_folder: Path) -> Path:
    folder = fast_folder / "sound"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        children.plan(patched.setattr)
        tenants.build(folder)
    return folder


def flip(file: Path, chance: random.Random) -> None:
    torn = bytearray(file.read_bytes())
    torn[chance.randrange(len(torn))] ^= 1 << chance.randrange(8)
    file.write_bytes(torn)


def cut(file: Path, chance: random.Random) -> None:
    with file.open("r+b") as torn:
        torn.truncate(chance.randrange(file.stat().st_size))


def empty(file: Path, chance: random.Random) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def delete(file: Path, chance: random.Random) -> None:
    file.unlink()


def exchange(file: Path, chance: random.Random) -> None:
    """With the file of the other tenant, which has the same size."""
    other = next(file.parent.parent.glob(f"*-{file.parent.name.split('-')[1]}-*/{file.name}"))
    if other == file:
        other = sorted(file.parent.parent.glob(f"*-{file.parent.name.split('-')[1]}-*/{file.name}"))[1]
    kept = other.read_bytes()
    shutil.copy(file, other)
    file.write_bytes(kept)


DAMAGES: dict[str, Damage] = {
    "flip": flip, "cut": cut, "empty": empty, "delete": delete, "exchange": exchange,
}  # fmt: skip


def of_kind(folder: Path, kind: str) -> list[Path]:
    found = (folder / "memory.db.index").rglob(kind if kind == "CURRENT" else f"*.{kind}")
    return sorted(file for file in found if "question" in file.parent.name)


def look(send: Callable[[Any], None], sound: Path, work: Path, kind: str, damage: str, count: int) -> None:
    chance = random.Random(f"{kind} {damage}")
    for number in range(count):
        folder = work / str(number)
        shutil.copytree(sound, folder)
        DAMAGES[damage](chance.choice(of_kind(folder, kind)), chance)
        send(number)
        with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
            tenants.shown(memory)
            harmless = tenants.is_exact(memory)
            reports = [memory.verify(repair=True, namespace=name) for name in tenants.NAMES]
            assert harmless or any(report.problems for report in reports)
            assert all(report.ok for report in reports)
            if not harmless:
                tenants.shown(memory)
                assert tenants.is_exact(memory)
            for name in tenants.NAMES:
                memory.checkpoint(namespace=name)
                assert memory.verify("deep", namespace=name).problems == ()
        shutil.rmtree(folder)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_noticed_or_harmless(sound: Path, tmp_path: Path, kind: str, damage: str) -> None:
    count = {"flip": FLIPS, "cut": max(2, FLIPS // 20)}.get(damage, 1)
    child = children.Child(look, sound, tmp_path, kind, damage, count)
    assert child.finish(seconds=600) == 0, f"{damage} {kind}, number {child.sent[-1:]}"
    assert len(child.sent) == count


def test_folders_of_two_tenants_are_exchanged(sound: Path, tmp_path: Path, low: None) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    one, other = sorted((folder / "memory.db.index").glob("*/*-question-*"))
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        tenants.shown(memory)
        assert tenants.is_exact(memory)


def test_an_older_generation_comes_back(sound: Path, tmp_path: Path, low: None) -> None:
    """What has happened since is in the log."""
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD, namespace="ann") as memory:
        gone = memory.recall(tenants.question(3), 1)[0].episode.id
        memory.delete(gone)
        memory.remember_many([{"question": f"Who rang {n}?", "answer": "The post."} for n in range(50)])
        assert memory.checkpoint()["question"]["generation"] == 2
    shutil.rmtree(folder / "memory.db.index")
    shutil.copytree(sound / "memory.db.index", folder / "memory.db.index")
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD, namespace="ann") as memory:
        assert gone not in {hit.episode.id for hit in memory.recall(tenants.question(3), 20)}
        assert memory.recall("Who rang 7?", 1)[0].exact
        assert memory.verify("deep").problems == ()


def test_only_the_old_manifest_comes_back(sound: Path, tmp_path: Path, low: None) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    (index,) = (folder / "memory.db.index").glob("*/1-question-*")
    old = {name: (index / name).read_bytes() for name in ("CURRENT", "gen-000001.json")}
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD, namespace="ann") as memory:
        memory.remember_many([{"question": f"Who rang {n}?", "answer": "The post."} for n in range(50)])
        memory.checkpoint()
    for name, content in old.items():
        (index / name).write_bytes(content)
    with pytest.raises(files.Unusable):
        files.current(index)
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD, namespace="ann") as memory:
        assert memory.recall("Who rang 7?", 1)[0].exact
        assert memory.checkpoint()["question"]["rows"] == tenants.ROWS + 50
        assert memory.verify("deep").problems == ()


def test_the_index_of_another_store_is_not_believed(sound: Path, tmp_path: Path, low: None) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    tenants.build(folder)
    (own,) = (folder / "memory.db.index").iterdir()
    (foreign,) = (sound / "memory.db.index").iterdir()
    shutil.rmtree(own)
    shutil.copytree(foreign, own)
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        tenants.shown(memory)
        assert tenants.is_exact(memory)
