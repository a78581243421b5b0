"""An encoder on Ray gives what it gives here: the same vectors in the same order, also when a worker dies."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from alen import settings
from alen.engine import Engine
from alen.engine.lazy_models import load_encoder
from alen.engine.ray_encoder import RayEncoder
from alen.errors import AlenError, BadInput, EmbeddingMismatch, ModelNotInstalled, WorkError
from alen.memory import EpisodicMemory
from tests.engine.conftest import HashEncoder

TEXTS = [f"Shelf {number % 97} of aisle {number % 7} holds vase {number}." for number in range(400)]


class Mortal(HashEncoder):
    """Dies at the text "poison" as a process does that is out of memory, until ``deaths`` files lie in ``folder``."""

    def __init__(self, folder: Path, deaths: int) -> None:
        self.folder, self.deaths = folder, deaths

    def encode(self, texts: list[str]) -> np.ndarray:
        if "poison" in texts and len(list(self.folder.iterdir())) < self.deaths:
            (self.folder / f"{os.getpid()} {time.monotonic_ns()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(texts)


class Grouping(HashEncoder):
    """Says which texts belong together; a group that is torn apart gives other vectors."""

    def batches(self, texts: list[str]) -> list[list[int]]:
        return [list(range(start, len(texts), 5)) for start in range(5)]

    def encode(self, texts: list[str]) -> np.ndarray:
        vectors = super().encode(texts)
        vectors[:, 0] = len(texts)
        return vectors


def missing() -> HashEncoder:
    raise ModelNotInstalled("The model is not here.", "Get it.")


def broken() -> HashEncoder:
    raise ZeroDivisionError("odd")


def on_ray(make: object, address: str = "local", fingerprint: str = HashEncoder.fingerprint) -> RayEncoder:
    return RayEncoder(address, make, name="hash", fingerprint=fingerprint, workers=2)  # type: ignore[arg-type]  # of the tests


@pytest.mark.parametrize("address", ["", "nowhere", "host:", ":6379", "host:port", "host:99999999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="HOST:PORT"):
        on_ray(HashEncoder, address)


def test_without_the_package_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match=r"pip install 'alen\[ray\]'"):
        on_ray(HashEncoder)


def test_where_no_ray_answers_is_told_at_once() -> None:
    pytest.importorskip("ray", reason="needs ray: pip install -e '.[ray]'")
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        encoder = on_ray(HashEncoder, f"127.0.0.1:{taken.getsockname()[1]}")
        assert (encoder.name, encoder.fingerprint) == ("hash", "hash-64")  # which needs no Ray
        started = time.monotonic()
        with pytest.raises(WorkError, match="No Ray to work with"):
            encoder.encode(["x"])
        assert time.monotonic() - started < 10
        encoder.close()


@pytest.mark.parametrize("error", [BadInput("a", "b", "c", "d"), ModelNotInstalled("what", "hint")])
def test_errors_travel_between_processes(error: AlenError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


@pytest.fixture(scope="class")
def ray() -> Iterator[None]:
    """One Ray for the tests below; each encoder of theirs finds it running and leaves it so."""
    library = pytest.importorskip("ray", reason="needs ray: pip install -e '.[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        library.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        assert library.is_initialized()
        library.shutdown()


@pytest.mark.slow
class TestOnRay:
    def test_the_same_vectors_in_the_same_order(self, ray: None) -> None:
        encoder = on_ray(HashEncoder)
        here = HashEncoder().encode(TEXTS)
        found = encoder.encode(TEXTS)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, here, atol=1e-6)
        np.testing.assert_allclose(encoder.encode(TEXTS[:1]), here[:1], atol=1e-6)
        assert encoder.encode([]).shape == (0, 64)
        assert (encoder.fingerprint, encoder.dim) == (HashEncoder.fingerprint, HashEncoder.dim)
        with pytest.raises(BadInput):
            encoder.encode("one text")  # type: ignore[arg-type]  # which is the mistake
        encoder.close()

    def test_what_is_embedded_together_stays_together(self, ray: None) -> None:
        encoder = on_ray(Grouping)
        assert encoder.encode(TEXTS[:100])[:, 0].tolist() == [20.0] * 100
        encoder.close()

    def test_a_worker_that_dies_is_begun_again(self, ray: None, tmp_path: Path) -> None:
        encoder = on_ray(partial(Mortal, tmp_path, 2))
        texts = [*TEXTS[:200], "poison", *TEXTS[200:]]
        np.testing.assert_allclose(encoder.encode(texts), HashEncoder().encode(texts), atol=1e-6)
        assert len(list(tmp_path.iterdir())) == 2
        encoder.close()

    def test_a_worker_that_always_dies_ends_the_work(self, ray: None, tmp_path: Path) -> None:
        encoder = on_ray(partial(Mortal, tmp_path, 99))
        with pytest.raises(WorkError, match="died 4 times"):
            encoder.encode(["poison"])
        assert len(list(tmp_path.iterdir())) == 4
        encoder.close()

    def test_another_model_on_a_worker_is_refused(self, ray: None) -> None:
        with pytest.raises(EmbeddingMismatch, match="another hash"):
            on_ray(HashEncoder, fingerprint="of another").encode(["x"])

    def test_errors_of_a_worker_come_as_they_are(self, ray: None) -> None:
        with pytest.raises(ModelNotInstalled) as caught:
            on_ray(missing).encode(["x"])
        assert caught.value.hint == "Get it."
        with pytest.raises(WorkError, match="ZeroDivisionError"):
            on_ray(broken).encode(["x"])

    def test_many_threads(self, ray: None) -> None:
        encoder = on_ray(HashEncoder)
        here, same = HashEncoder().encode(TEXTS), []

        def work(start: int) -> None:
            same.append(np.allclose(encoder.encode(TEXTS[start:]), here[start:], atol=1e-6))

        threads = [threading.Thread(target=work, args=(start,)) for start in (0, 100, 200, 300)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert same == [True] * 4
        encoder.close()

    @pytest.mark.models
    def test_the_real_encoder(self, ray: None, models_home: Path) -> None:
        chosen = settings.load(home=models_home)
        encoder = RayEncoder.of(chosen, "local")
        here = load_encoder(chosen)
        texts = [text * (1 + place % 5) for place, text in enumerate(TEXTS[:300])]
        np.testing.assert_allclose(encoder.encode(texts), here.encode(texts), atol=1e-6)
        assert (encoder.name, encoder.fingerprint, encoder.dim) == (here.name, here.fingerprint, here.dim)
        encoder.close()

    def test_teaching_is_the_same(self, ray: None, tmp_path: Path) -> None:
        rows = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]
        stored = []
        for name, encoder in (("here", HashEncoder()), ("there", on_ray(HashEncoder))):
            chosen = settings.load(home=tmp_path, store=f"sqlite:///{tmp_path / name}.db")
            memory = EpisodicMemory.open(chosen.store, encoder=encoder)
            with Engine(chosen, memory, encoder, lambda: None) as engine:
                assert engine.teach(passages=rows).stored == len(TEXTS)
                hits = engine.memory.search("vase 123 of aisle 4", 5)
                stored.append([(hit.score, hit.passage.text) for hit in hits])  # type: ignore[union-attr]  # only passages are taught
        assert stored[0] == stored[1]


@pytest.mark.slow
def test_ray_is_started_and_ended_on_this_machine() -> None:
    library = pytest.importorskip("ray", reason="needs ray: pip install -e '.[ray]'")
    encoder = on_ray(HashEncoder)
    assert not library.is_initialized()
    assert encoder.dim == 64
    assert library.is_initialized()
    encoder.close()
    assert not library.is_initialized()
    encoder.close()


@pytest.mark.slow
def test_a_cluster_by_its_address() -> None:
    """Ray that somebody else started is joined, and goes on when the encoder is closed."""
    library = pytest.importorskip("ray", reason="needs ray: pip install -e '.[ray]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus", "2"]
    command += ["--include-dashboard", "false", "--node-ip-address", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    head = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        for _ in range(2):
            encoder = on_ray(HashEncoder, f"127.0.0.1:{port}")
            np.testing.assert_allclose(encoder.encode(TEXTS), HashEncoder().encode(TEXTS), atol=1e-6)
            encoder.close()
            assert not library.is_initialized()
            assert head.poll() is None
    finally:
        head.terminate()
        head.wait(30)
