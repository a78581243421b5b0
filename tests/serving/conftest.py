"""A real server on a real port, over an engine with a real database and a model of random weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from alen import settings
from alen.core import belief
from alen.engine import Engine
from alen.language_model import LargeLanguageModel
from alen.memory import EpisodicMemory
from alen.serving.app import create_app
from alen.serving.keys import Holder, Keys
from alen.serving.listening import Listening, address
from alen.serving.service import Service
from tests.benchmark.tiny_model import tiny_model
from tests.engine.conftest import BELIEF, HashEncoder, WordReader

EVERYONE = Holder("everyone", "default")


@contextmanager
def served(service: Service, **options: int) -> Iterator[str]:
    """Its address."""
    with running(service, **options) as (address, _):
        yield address


@contextmanager
def running(service: Service, **options: int) -> Iterator[tuple[str, uvicorn.Server]]:
    """Its address, and what can tell it to stop."""
    with running_app(create_app(service, **options)) as found:
        yield found


@contextmanager
def served_app(app: FastAPI) -> Iterator[str]:
    with running_app(app) as (address, _):
        yield address


@contextmanager
def running_app(app: FastAPI) -> Iterator[tuple[str, uvicorn.Server]]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))
    listening = Listening(port=0).bound()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield address(listening), server
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        listening.close()
        assert not thread.is_alive()


def settled(service: Service, seconds: float = 5.0) -> bool:
    """Whether nothing is under way, soon."""
    assert service.model is not None
    batch, until = service.model.batch, time.monotonic() + seconds
    while batch.running or batch.waiting or service.work.held or service.quick.held:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def value(service: Service, name: str, **labels: str) -> float:
    """A metric. That of a request is counted once its response is over, which the client may know first: ``until``."""
    return service.monitor.registry.get_sample_value(name, labels) or 0.0


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


class CountingEncoder(HashEncoder):
    """Its tokens are words."""

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def made_service(folder: Path, keys: Keys | None = None, model: LargeLanguageModel | None = None) -> Service:
    chosen = settings.load(home=folder / "home", store=f"sqlite:///{folder / 'memory.db'}")
    memory = EpisodicMemory.open(chosen.store, encoder=CountingEncoder(), namespace=chosen.namespace)
    reader = WordReader()
    engine = Engine(chosen, memory, CountingEncoder(), lambda: reader)
    return Service(engine, model or tiny_model(), keys or Keys(EVERYONE))


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    return made_service(tmp_path)


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    with served(service) as address:
        yield address
