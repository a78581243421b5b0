"""The index as a backend of txtai, in an index of txtai's own and by itself."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from txtai import Embeddings
from txtai.ann import ANNFactory

from alen.errors import StoreError
from alen.integrations.txtai import AlenANN
from alen.memory.index import files
from alen.thought import ThoughtState

NAME = "alen.integrations.txtai.AlenANN"
DIM = 32
MANY = 21_000
"""Rows from which they are sealed, and some more."""


def unit_rows(count: int, seed: int = 0) -> np.ndarray:
    rows_ND = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)


def made(rows_ND: np.ndarray, **settings: Any) -> AlenANN:
    ann = ANNFactory.create({"backend": NAME, "dimensions": DIM, NAME: settings})
    ann.index(rows_ND)
    return ann


def loaded(path: Path, **settings: Any) -> AlenANN:
    ann = ANNFactory.create({"backend": NAME, NAME: settings})
    ann.load(str(path))
    return ann


@pytest.fixture(scope="module")
def many() -> AlenANN:
    """Sealed; who changes it loads a copy."""
    return made(unit_rows(MANY))


def test_rows_come_and_go(tmp_path: Path) -> None:
    rows_ND = unit_rows(1000)
    ann = made(rows_ND[:900])
    ann.append(rows_ND[900:])
    ann.delete([0, 950, 5000])
    assert (ann.count(), ann.config["offset"]) == (998, 1000)
    (first, second) = ann.search(rows_ND[[950, 951]], 3)
    assert 950 not in dict(first)
    assert second[0] == (951, pytest.approx(1.0, abs=1e-3))
    assert len(ann.search(rows_ND[:1], 5000)[0]) == 998
    ann.save(str(tmp_path / "index"))
    again = loaded(tmp_path / "index")
    assert again.search(rows_ND[:20], 5) == ann.search(rows_ND[:20], 5)
    assert (again.count(), again.config["offset"]) == (998, 1000)


def test_neighbours_are_the_true_ones(many: AlenANN) -> None:
    rows_ND = unit_rows(MANY)
    queries_QD = unit_rows(50, seed=1)
    exact = np.argsort(-(queries_QD @ rows_ND.T), axis=1)[:, :10]
    found = [[item for item, _ in hits] for hits in many.search(queries_QD, 10)]
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact.tolist(), strict=True)])
    assert many.backend.sealed is not None
    assert shared > 0.9


def test_what_changed_since_sealing_is_saved_beside_it(many: AlenANN, tmp_path: Path) -> None:
    many.save(str(tmp_path / "index"))
    sealed = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "index").glob("gen-*.[ivs]*")}
    ann = loaded(tmp_path / "index", verify=True)
    new_ND = unit_rows(100, seed=2)
    ann.append(new_ND)
    ann.delete([3, MANY + 1])
    ann.save(str(tmp_path / "index"))
    again = loaded(tmp_path / "index")
    assert again.count() == ann.count() == MANY + 98
    assert again.search(new_ND[:2], 1)[0][0][0] == MANY
    assert again.search(unit_rows(MANY)[3:4], 1)[0][0][0] != 3
    assert sealed == {file.name: file.stat().st_mtime_ns for file in (tmp_path / "index").glob("gen-*.[ivs]*")}


def test_it_is_sealed_again_when_much_has_changed(many: AlenANN, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    many.save(str(folder))
    ann = loaded(folder)
    ann.delete([5])
    shutil.rmtree(folder)  # what is open can be read on, as when an archive was unpacked for a while
    ann.append(unit_rows(MANY, seed=3))
    assert len(ann.backend.sealed) == ann.count() == 2 * MANY - 1
    assert 5 not in dict(ann.search(unit_rows(MANY)[5:6], 3)[0])
    ann.save(str(folder))
    made(unit_rows(10)).save(str(folder))
    assert [file.name for file in folder.iterdir()] == ["changes-000000.npz"]
    ann.save(str(folder))
    assert loaded(folder, verify=True).count() == 2 * MANY - 1


@pytest.mark.parametrize("stop", range(1, 8))
def test_an_interrupted_save_changes_nothing(
    many: AlenANN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Of the seven files of a save the last is CURRENT; all others are not looked at before that."""
    made(unit_rows(10)).save(str(tmp_path / "index"))
    written: list[str] = []

    def torn(folder: Path, name: str, content: Any) -> dict[str, Any]:
        written.append(name)
        if len(written) == stop:
            raise OSError("no space left")
        return real(folder, name, content)

    real = files.write
    monkeypatch.setattr(files, "write", torn)
    with pytest.raises(OSError, match="no space"):
        many.save(str(tmp_path / "index"))
    assert loaded(tmp_path / "index").count() == 10
    assert (written[-1] == files.CURRENT) == (stop == 7)
    monkeypatch.undo()
    many.save(str(tmp_path / "index"))
    assert loaded(tmp_path / "index", verify=True).count() == MANY


def test_damage_is_noticed(many: AlenANN, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with pytest.raises(StoreError):
        loaded(folder)
    many.save(str(folder))
    (vectors,) = folder.glob("*.vec")
    raw = bytearray(vectors.read_bytes())
    raw[1000] ^= 1
    vectors.write_bytes(raw)
    assert loaded(folder).count() == MANY
    with pytest.raises(StoreError, match="changed since"):
        loaded(folder, verify=True)
    vectors.write_bytes(raw[:-2])
    with pytest.raises(StoreError, match="size"):
        loaded(folder)


def test_bits_are_refused() -> None:
    with pytest.raises(ImportError):  # as txtai says of a backend that cannot be made
        ANNFactory.create({"backend": NAME, "quantize": 1})


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_files_are_closed(many: AlenANN, tmp_path: Path) -> None:
    many.save(str(tmp_path / "index"))
    before = len(os.listdir("/proc/self/fd"))
    ann = loaded(tmp_path / "index")
    assert len(os.listdir("/proc/self/fd")) > before
    ann.close()
    del ann
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


# txtai leaves the folders of its archives to the garbage collector, which says so.
@pytest.mark.filterwarnings(
    "ignore:Implicitly cleaning up:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("place", ["folder", "archive.tar.gz", "archive.zip"])
def test_inside_an_index_of_txtai(tmp_path: Path, place: str) -> None:
    def transform(texts: list[str]) -> np.ndarray:
        return np.stack([ThoughtState.from_input(text, DIM).vector for text in texts])

    config = {"method": "external", "transform": transform, "backend": NAME, "content": False}
    index = Embeddings(config)
    index.index([(1, "the red ferry", None), (2, "a blue barge", None), (3, "wooden spoons", None)])
    index.save(str(tmp_path / place))
    index.close()
    again = Embeddings()
    again.load(str(tmp_path / place), config={"transform": transform})
    assert again.search("wooden spoons", 1)[0][0] == 3
    again.upsert([(4, "an iron kettle", None)])
    again.delete([2])
    again.save(str(tmp_path / f"second-{place}"))
    assert again.count() == 3
    again.close()
    del index, again
    gc.collect()


@pytest.mark.skipif("ALEN_TXTAI_TESTS" not in os.environ, reason="ALEN_TXTAI_TESTS names no folder with txtai's tests")
def test_txtai_s_own_tests_of_a_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``testann/testdense.py`` below the folder, as it is there."""
    file = Path(os.environ["ALEN_TXTAI_TESTS"]) / "testann" / "testdense.py"
    spec = importlib.util.spec_from_file_location("testdense", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    module.TestDense().runTests(NAME)
