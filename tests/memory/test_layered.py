"""A sealed index with what changed since gives what one exact index gives, and damaged files are never believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alen.memory.index import VectorIndex, files, planning, sealed, sealing
from alen.memory.index.files import Unusable
from alen.memory.index.layered import LayeredIndex
from alen.memory.index.sealed import Sealed

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
DIM = 32


def unit(count: int, seed: int) -> np.ndarray:
    """Vectors in clusters, as those of texts are."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIM))
    found = centres[chance.integers(0, 40, count)] + 0.4 * chance.standard_normal((count, DIM))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def make(folder: Path, vectors_ND: np.ndarray, rows: int = 1, generation: int = 1) -> Sealed:
    items = list(range(10, 10 + len(vectors_ND) // rows))
    manifest = sealing.seal(
        folder,
        [(items, [rows] * len(items), vectors_ND)],
        store_uuid="u",
        namespace=1,
        space=2,
        fingerprint="f",
        dim=DIM,
        watermark=7,
        anchor="ab",
        generation=generation,
        threads=1,
    )
    return Sealed(folder, manifest)


@pytest.mark.parametrize("rows", [1, 3])
def test_sealed_and_changed_is_as_good_as_exact(tmp_path: Path, rows: int) -> None:
    vectors_ND = unit(6000, 0)
    layered, exact = LayeredIndex(DIM, make(tmp_path, vectors_ND, rows)), VectorIndex(DIM)
    items = list(range(10, 10 + len(vectors_ND) // rows))
    exact.put(items, [rows] * len(items), vectors_ND.astype(np.float32))
    new_ND = unit(300 * rows, 1).astype(np.float32)
    for index in (layered, exact):
        index.put(range(5000, 5300), [rows] * 300, new_ND)
        index.put([11, 12], [rows] * 2, new_ND[: 2 * rows])
        for item in (13, 5001, 99_999):
            index.remove(item)
    assert len(layered) == len(exact)
    assert set(layered.items()) == set(exact.items())
    hits = total = 0
    for query_D in unit(60, 2).astype(np.float32):
        wanted = exact.top(query_D, 10)
        found = layered.top(query_D, 10)
        hits, total = hits + len(set(found) & set(wanted)), total + len(wanted)
        assert not {13, 5001} & set(found)
        ours, theirs = layered.best(query_D, wanted), exact.best(query_D, wanted)
        assert ours.keys() == theirs.keys()
        assert all(abs(ours[item][0] - theirs[item][0]) < 2e-3 for item in wanted)
    assert hits / total > 0.97


def test_when_nearly_all_is_gone_the_rest_is_still_found(tmp_path: Path) -> None:
    layered = LayeredIndex(DIM, make(tmp_path, unit(3000, 0)))
    for item in range(10, 3005):
        layered.remove(item)
    assert set(layered.top(unit(1, 3)[0].astype(np.float32), 5)) <= set(range(3005, 3010))
    assert len(layered) == 5


def test_recall_is_measured_and_reached(tmp_path: Path) -> None:
    manifest = make(tmp_path, unit(8000, 0)).manifest
    assert manifest.recall >= planning.RECALL
    assert 1 <= manifest.probes <= manifest.lists


def test_plan_follows_the_size() -> None:
    small, large = planning.plan(100_000, 384), planning.plan(10_000_000, 384)
    assert (small.lists, large.lists) == (512, 8192)
    assert small.parts == 192
    assert planning.plan(20_000, 5).parts == 5
    assert large.train < 1_000_000
    assert not planning.stale(0, planning.SEAL_FROM - 1)
    assert planning.stale(0, planning.SEAL_FROM)
    assert not planning.stale(1_000_000, 99_999)


def test_digest_is_of_the_set_and_of_the_space() -> None:
    one = np.arange(1000)
    assert sealing.digest(1, one) == sealing.digest(1, one[::-1])
    assert sealing.digest(1, one) != sealing.digest(2, one)
    assert sealing.digest(1, one) != sealing.digest(1, np.arange(1, 1001))
    assert sealing.digest(1, np.array([5, 5])) != sealing.digest(1, np.array([], dtype=np.int64))


@pytest.mark.parametrize("kind", ["json", "ivf", "vec", "item", "start", "CURRENT"])
def test_flipped_bytes_are_noticed(tmp_path: Path, kind: str) -> None:
    make(tmp_path, unit(2000, 0))
    (file,) = [path for path in tmp_path.iterdir() if path.name == kind or path.suffix == f".{kind}"]
    whole = file.read_bytes()
    chance = np.random.default_rng(0)
    for place in chance.integers(0, len(whole), 50):
        torn = bytearray(whole)
        torn[place] ^= 1 << int(chance.integers(0, 8))
        file.write_bytes(bytes(torn))
        with pytest.raises(Unusable):
            files.check(tmp_path, files.current(tmp_path))
    file.write_bytes(whole)
    files.check(tmp_path, files.current(tmp_path))


@pytest.mark.parametrize("damage", ["truncate", "empty", "missing"])
@pytest.mark.parametrize("kind", ["ivf", "vec", "item", "start", "json"])
def test_torn_and_missing_files_are_noticed_at_once(tmp_path: Path, kind: str, damage: str) -> None:
    make(tmp_path, unit(2000, 0))
    (file,) = tmp_path.glob(f"*.{kind}")
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(b"" if damage == "empty" else file.read_bytes()[:-9])
    with pytest.raises(Unusable):
        files.current(tmp_path)


def test_a_crash_before_the_end_leaves_the_old_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(tmp_path, unit(2000, 0)).manifest
    for step in range(1, 7):
        real, count = files.write, 0

        def fail(*arguments: object, real=real, step=step) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise OSError(28, "No space left on device")
            return real(*arguments)

        monkeypatch.setattr(files, "write", fail)
        with pytest.raises(OSError, match="No space"):
            make(tmp_path, unit(2500, 1), generation=2)
        monkeypatch.setattr(files, "write", real)
        assert files.current(tmp_path) == first
        files.check(tmp_path, first)
    second = make(tmp_path, unit(2500, 1), generation=2).manifest
    files.collect(tmp_path, second)
    assert files.current(tmp_path) == second
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("count", [1, 3, 2000])
def test_copies_of_one_text_are_found(tmp_path: Path, count: int) -> None:
    """Codes cannot tell them apart, and FAISS finds nothing whose rounded score is the least there can be."""
    vectors_ND = np.repeat(unit(1, 5), count, axis=0)
    index = make(tmp_path, vectors_ND)
    assert index.manifest.recall == 1.0
    rows_N, scores_N = index.top(vectors_ND[0].astype(np.float32), 10)
    assert len(rows_N) == len(set(rows_N.tolist())) == min(count, 10)
    assert scores_N == pytest.approx(1.0, abs=1e-2)


def test_half_floats_become_what_numpy_makes_of_them() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    finite = np.isfinite(every)
    assert (sealed._floats(every)[finite] == every.astype(np.float32)[finite]).all()
    assert (abs(sealed._floats(every)[~finite]) >= 65_536).all()
