"""Whatever a GPU does, the ids are those of the CPU: when it works, when it runs out of memory, when it hangs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alen.memory.index import faiss_guard, gpu, planning, sealing
from alen.memory.index.layered import LayeredIndex
from alen.memory.index.sealed import Sealed

faiss = pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
DIM = 32


def unit(count: int, seed: int, dim: int = DIM) -> np.ndarray:
    chance = np.random.default_rng(seed)
    found = chance.standard_normal((count, dim), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def seal(folder: Path, vectors_ND: np.ndarray) -> sealing.Manifest:
    rows = [(list(range(len(vectors_ND))), [1] * len(vectors_ND), vectors_ND.astype(np.float16))]
    return sealing.seal(
        folder,
        rows,
        store_uuid="u",
        namespace=1,
        space=2,
        fingerprint="f",
        dim=vectors_ND.shape[1],
        watermark=7,
        anchor="ab",
        generation=1,
        threads=os.cpu_count() or 1,
    )


class Device:
    """Behaves as FAISS with a GPU: searches on the CPU, notes who asked for what, and fails as it is told."""

    GpuIndexFlatConfig = SimpleNamespace

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.batches: list[int] = []
        self.scratch = 0
        self.held = 0
        self.copies = 0
        self.fails: Callable[[str], None] = lambda step: None

    def get_num_gpus(self) -> int:
        return 1

    def StandardGpuResources(self) -> Any:  # noqa: N802 the name that FAISS gave it
        return SimpleNamespace(setTempMemory=lambda size: setattr(self, "scratch", size))

    def GpuIndexFlatIP(self, resources: Any, dim: int, config: Any) -> Any:  # noqa: N802 the name that FAISS gave it
        assert config.useFloat16
        self.copies += 1
        self.fails("copy")
        return DeviceIndex(self, dim)


class DeviceIndex:
    def __init__(self, device: Device, dim: int) -> None:
        self._device, self._flat = device, faiss.IndexFlatIP(dim)
        device.held += 1
        device.threads.add(threading.get_ident())

    def add(self, vectors_ND: np.ndarray) -> None:
        self._flat.add(vectors_ND)

    def search(self, query_QD: np.ndarray, depth: int) -> Any:
        self._device.threads.add(threading.get_ident())
        self._device.batches.append(len(query_QD))
        self._device.fails("search")
        return self._flat.search(query_QD, depth)

    def __del__(self) -> None:
        self._device.held -= 1
        self._device.threads.add(threading.get_ident())


@pytest.fixture(scope="module")
def sealed_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, sealing.Manifest]:
    """All cells of it are read, so that the CPU finds the same as a device that compares everything."""
    folder = tmp_path_factory.mktemp("sealed")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning, "RECALL", 2.0)
        patched.setattr(planning, "OF_CODES", 2.0)
        return folder, seal(folder, unit(6000, 0))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    made = Device()
    worker = gpu.Worker(made)
    monkeypatch.setattr(gpu, "worker", lambda: worker)
    made.worker = worker  # type: ignore[attr-defined]  # only tests look at it
    yield made
    worker.close()


def opened(found: tuple[Path, sealing.Manifest]) -> Sealed:
    """Asked often enough that a copy is made, if it can be."""
    index = Sealed(*found)
    index.top_many(unit(gpu.WORTH_A_COPY, 5), 5)
    assert index.copy is not None
    index.copy.wait(20)
    return index


def same(index: Sealed, found: tuple[Path, sealing.Manifest], seed: int = 6) -> bool:
    query_QD = unit(50, seed)
    wanted = Sealed(*found, use_gpu=False).top_many(query_QD, 10)
    got = index.top_many(query_QD, 10)
    return all(np.array_equal(a[0], b[0]) and np.allclose(a[1], b[1]) for a, b in zip(got, wanted, strict=True))


def test_the_device_gives_what_the_cpu_gives(device: Device, sealed_folder: Any) -> None:
    index = opened(sealed_folder)
    assert not device.batches  # the CPU answered while there was no copy
    assert same(index, sealed_folder)
    assert device.batches == [50]
    rows_N, scores_N = index.top(unit(1, 8)[0], 7)
    assert (len(rows_N), len(scores_N)) == (7, 7)
    assert device.batches == [50, 1]
    assert device.scratch == gpu.SCRATCH_BYTES
    assert threading.get_ident() not in device.threads


def test_one_thread_asks_for_all_and_those_who_wait_are_asked_together(device: Device, sealed_folder: Any) -> None:
    index = opened(sealed_folder)
    gate, begun = threading.Event(), threading.Event()

    def hold(step: str) -> None:
        begun.set()
        gate.wait(20)

    device.fails = hold
    query_QD = unit(24, 9)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def ask(number: int) -> None:
        found[number] = index.top(query_QD[number], 3 + number % 4)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    threads[0].start()
    assert begun.wait(20)
    for thread in threads[1:]:
        thread.start()
    worker = device.worker  # type: ignore[attr-defined]  # only tests look at it
    deadline = time.monotonic() + 20
    while worker._jobs.qsize() < 23 and time.monotonic() < deadline:
        time.sleep(0.01)
    gate.set()
    for thread in threads:
        thread.join(20)
    assert device.batches == [1, 23]
    assert len(device.threads) == 1
    plain = Sealed(*sealed_folder, use_gpu=False)
    for number, (rows_N, _) in found.items():
        assert np.array_equal(rows_N, plain.top(query_QD[number], 3 + number % 4)[0])


@pytest.mark.parametrize("step", ["copy", "search"])
def test_an_error_is_said_once_and_the_cpu_answers(
    device: Device, sealed_folder: Any, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    def fail(now: str) -> None:
        if now == step:
            raise RuntimeError("cudaMalloc error out of memory [2]")

    device.fails = fail
    index = opened(sealed_folder)
    for seed in range(3):
        assert same(index, sealed_folder, seed)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "out of memory" in caplog.text
    assert len(device.batches) == (step == "search")
    assert device.copies == 1
    # Another index may have more luck.
    device.fails = lambda step: None
    other = opened(sealed_folder)
    assert same(other, sealed_folder)
    assert device.batches[-1] == 50


def test_a_device_that_hangs_is_left_alone(
    device: Device, sealed_folder: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "WAIT_SECONDS", 0.2)
    index, other = opened(sealed_folder), opened(sealed_folder)
    gate = threading.Event()
    device.fails = lambda step: gate.wait(60) and None
    try:
        assert same(index, sealed_folder)
        started = time.monotonic()
        for seed in range(3):
            assert same(index, sealed_folder, seed)
            assert same(other, sealed_folder, seed)
        assert device.batches == [50]
        assert time.monotonic() - started < 5
        assert "0.2 seconds" in caplog.text
        assert len(caplog.records) == 2  # one for each index
    finally:
        gate.set()


def test_a_copy_that_takes_long_holds_nobody_up(
    device: Device, sealed_folder: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "WAIT_SECONDS", 0.2)
    index = opened(sealed_folder)
    gate, begun = threading.Event(), threading.Event()

    def hold(step: str) -> None:
        if step == "copy":
            begun.set()
            gate.wait(60)

    device.fails = hold
    other = Sealed(*sealed_folder)
    other.top_many(unit(gpu.WORTH_A_COPY, 5), 5)
    assert begun.wait(20)
    assert same(index, sealed_folder)
    assert same(other, sealed_folder)
    assert not device.batches
    gate.set()
    assert other.copy is not None
    assert other.copy.wait(20)
    assert same(index, sealed_folder)
    assert same(other, sealed_folder)
    assert device.batches == [50, 50]
    assert not caplog.records


@pytest.mark.parametrize("when", ["before", "after"])
def test_without_its_worker_the_cpu_answers(
    device: Device, sealed_folder: Any, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    worker = device.worker  # type: ignore[attr-defined]  # only tests look at it
    if when == "before":
        worker.close()
    index = opened(sealed_folder)
    worker.close()
    assert same(index, sealed_folder)
    assert same(index, sealed_folder)
    assert not device.batches
    assert len(caplog.records) == 1


def test_another_process_leaves_the_device_alone(
    device: Device, sealed_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = opened(sealed_folder)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert same(index, sealed_folder)
    assert not device.batches


def test_what_is_closed_gives_its_memory_back(device: Device, sealed_folder: Any) -> None:
    index = opened(sealed_folder)
    assert device.held == 1
    del index
    deadline = time.monotonic() + 20
    while device.held and time.monotonic() < deadline:
        time.sleep(0.01)
    assert device.held == 0
    assert len(device.threads) == 1


def test_who_asks_for_more_than_the_device_can_find_is_answered(device: Device, sealed_folder: Any) -> None:
    index = opened(sealed_folder)
    layered = LayeredIndex(DIM, index)
    layered.put([3], [1], unit(1, 4))
    assert len(layered.top_scored(unit(1, 8)[0], gpu.DEEPEST + 1)) == gpu.DEEPEST + 1
    assert not device.batches
    assert 3 in layered.top(unit(1, 4)[0], 5)
    assert device.batches == [1]


def test_one_who_asks_once_makes_no_copy(device: Device, sealed_folder: Any) -> None:
    Sealed(*sealed_folder).top(unit(1, 8)[0], 7)
    off = Sealed(*sealed_folder, use_gpu=False)
    off.top_many(unit(100, 8), 7)
    assert off.copy is None
    assert device.copies == 0


def test_whether_there_is_a_gpu(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> int:
        raise RuntimeError("CUDA driver version is insufficient")

    assert gpu.available(Device())
    assert not gpu.available(SimpleNamespace(get_num_gpus=lambda: 1))
    assert not gpu.available(SimpleNamespace(StandardGpuResources=None, get_num_gpus=lambda: 0))
    assert not gpu.available(SimpleNamespace(StandardGpuResources=None, get_num_gpus=broken))
    assert "insufficient" in caplog.text


@pytest.mark.gpu
@pytest.mark.slow
def test_a_million_on_a_real_device(tmp_path: Path) -> None:
    if not gpu.available(faiss_guard.load()):
        pytest.skip("needs the GPU build of FAISS")
    found = (tmp_path, seal(tmp_path, unit(1_000_000, 0, 384)))
    index, plain = Sealed(*found), Sealed(*found, use_gpu=False)
    query_QD = unit(4096, 1, 384)
    index.top_many(query_QD[:100], 10)
    assert index.copy is not None
    assert index.copy.wait(300)
    index.top_many(query_QD[:100], 10)
    seconds, answers = {}, {}
    for name, searched in (("gpu", index), ("cpu", plain)):
        started = time.perf_counter()
        answers[name] = searched.top_many(query_QD, 10)
        seconds[name] = time.perf_counter() - started
    assert index.copy.wait(1)  # it did not fall back
    # The device compares everything: no rank of the CPU's is better, and what the CPU found is there.
    shared = 0
    for (rows, scores), (wanted, best) in zip(answers["gpu"], answers["cpu"], strict=True):
        assert (scores[: len(best)] >= best - 2e-3).all()
        shared += np.isin(wanted, rows).sum()
    assert shared >= 0.95 * 10 * len(query_QD)
    assert seconds["cpu"] >= 10 * seconds["gpu"]
