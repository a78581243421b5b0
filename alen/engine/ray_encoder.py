"""An encoder that works on Ray: batches go out to actors on this machine or on others, vectors come back in order."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from alen import models
from alen.engine.lazy_models import Once, load_encoder
from alen.errors import AlenError, BadInput, EmbeddingMismatch, WorkError
from alen.settings import Settings
from alen.types import Encoder

MOST_WORKERS = 16
"""Each holds a model of its own. Texts come in lots of some thousands, which more workers could not share."""

RESTARTS = 3
"""How often an actor that died is begun again, and its batch with it."""

TEXTS_AT_ONCE = 64
"""For encoders that do not say which texts they embed together."""

_CONNECT_SECONDS = 5.0
_START_SECONDS = 300.0
_OBJECT_STORE_BYTES = 256 * 1024 * 1024


class RayEncoder:
    """The Encoder protocol over copies of one encoder, which ``make`` makes inside each actor: the same vectors, to the
    last bit where the machines round alike. Ray starts at first use and ends with ``close``. Safe to use from many
    threads.

    ``address`` is ``local`` to start Ray on this machine, ``auto`` for the cluster that this machine belongs to, or the
    HOST:PORT of one. Its machines need ALEN, and the model in the same home. Raises BadInput when Ray is not installed
    or the address is none; at first use WorkError when no Ray answers there or no worker gets ready, and
    EmbeddingMismatch when the machines hold another model."""

    def __init__(
        self, address: str, make: Callable[[], Encoder], *, name: str, fingerprint: str, workers: int | None = None
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._address = _checked(address)
        self._make = make
        self._wanted = workers
        self._ray = _library(address)
        self._lock = threading.Lock()
        self._actors: list[Any] = []
        self._dim = 0
        self._ours = False

    @classmethod
    def of(cls, settings: Settings, address: str) -> RayEncoder:
        """The encoder of the settings. Raises ModelNotInstalled too, when it is not here."""
        files = models.locate(settings.encoder, settings.home)
        return cls(address, partial(load_encoder, settings), name=files.name, fingerprint=files.fingerprint)

    @property
    def dim(self) -> int:
        self._started()
        return self._dim

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length, in the order of ``texts``. An actor that dies is begun again with its
        batch; raises WorkError when that fails RESTARTS times."""
        if isinstance(texts, str):
            raise BadInput("texts", "one text", "a list of texts", "Put the text into a list.")
        actors = self._started()
        vectors = np.empty((len(texts), self._dim), dtype=np.float32)
        if not texts:
            return vectors
        groups = self._get(actors[0].batches.remote(texts))
        # An actor gets its next batch when it is done with one, so that a slow machine holds up nobody.
        waiting = list(reversed(groups))
        running: dict[Any, tuple[list[int], Any]] = {}
        idle = list(actors)
        while waiting or running:
            while waiting and idle:
                places, actor = waiting.pop(), idle.pop()
                running[actor.encode.remote([texts[place] for place in places])] = (places, actor)
            (done, *_), _ = self._ray.wait(list(running))
            places, actor = running.pop(done)
            vectors[places] = self._get(done)
            idle.append(actor)
        return vectors

    def close(self) -> None:
        """Ends the actors, and Ray where this object started or joined it."""
        with self._lock:
            for actor in self._actors:
                self._ray.kill(actor)
            self._actors = []
            if self._ours:
                self._ray.shutdown()
                self._ours = False

    def _started(self) -> list[Any]:
        with self._lock:
            if not self._actors:
                self._ours = not self._ray.is_initialized()
                if self._ours:
                    _connect(self._ray, self._address)
                free = int(self._ray.available_resources().get("CPU", 1))
                count = self._wanted or max(1, min(free, MOST_WORKERS))
                worker = self._ray.remote(num_cpus=1, max_restarts=RESTARTS, max_task_retries=RESTARTS)(_Worker)
                actors = [worker.remote(self._make) for _ in range(count)]
                self._dim = self._agreed(actors)
                self._actors = actors
            return self._actors

    def _agreed(self, actors: list[Any]) -> int:
        """The dimensions of the encoder, when every actor holds the one that this object stands for."""
        identities = self._get([actor.identity.remote() for actor in actors], timeout=_START_SECONDS)
        for fingerprint, _ in identities:
            if fingerprint != self.fingerprint:
                raise EmbeddingMismatch(
                    f"A worker of Ray holds another {self.name} ({fingerprint[:12]}, not {self.fingerprint[:12]}).",
                    "Install the same model on every machine: alen models pull",
                )
        return int(identities[0][1])

    def _get(self, wanted: Any, timeout: float | None = None) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(wanted, timeout=timeout)
        except errors.RayTaskError as error:
            if isinstance(error.cause, AlenError):
                raise error.cause from None
            raise WorkError(f"A worker of Ray failed: {error.cause!r}.", "Run it again without --ray.") from None
        except errors.GetTimeoutError:
            hint = "Is the cluster busy, or slow to load the model? See: ray status"
            raise WorkError(f"No worker of Ray was ready within {timeout:.0f} s.", hint) from None
        except errors.RayError as error:
            said = str(error).strip().split("\n")[0]
            raise WorkError(f"A worker of Ray died {RESTARTS + 1} times: {said}", "Has it enough memory?") from None


class _Worker:
    """What runs in an actor. The first call loads the encoder, so that what goes wrong is the error of a call."""

    def __init__(self, make: Callable[[], Encoder]) -> None:
        self._encoder = Once(make)

    def identity(self) -> tuple[str, int]:
        encoder = self._encoder()
        return encoder.fingerprint, encoder.dim

    def batches(self, texts: list[str]) -> list[list[int]]:
        own = getattr(self._encoder(), "batches", None)
        if own is not None:
            return list(own(texts))
        places = list(range(len(texts)))
        return [places[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]

    def encode(self, texts: list[str]) -> np.ndarray:
        return self._encoder().encode(texts)


def _library(address: str) -> Any:
    if address == "local" and "ray" not in sys.modules:
        # Its ports are open to the network; who has no token of this home is turned away. Ray reads this once, when it
        # is loaded: in a program that did so before, that program decides.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        return import_module("ray")
    except ImportError:
        raise BadInput(
            "ray", "Ray, which is not installed", "working without it", "Run: pip install 'alen[ray]'"
        ) from None


def _checked(address: str) -> str:
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address in ("local", "auto") or (host and colon and port.isdecimal() and int(port) < 65536):
        return address
    raise BadInput("ray", repr(address), "local, auto, or HOST:PORT", "For example: --ray local")


def _connect(ray: Any, address: str) -> None:
    # Nothing is told to anybody outside, and the GPU stays visible to an actor that asks for none.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address == "local":
            ray.init("local", include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quiet)
            return
        if address != "auto":
            # Ray itself would try for minutes.
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).strip().split("\n")[0]
        raise WorkError(f"No Ray to work with at {address}: {said}.", "Start one with: ray start --head") from None
