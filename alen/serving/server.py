"""One process that serves: the engine and its models behind the application, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from alen.engine import Engine
from alen.engine.local_model import LocalModel
from alen.engine.model_server import is_address
from alen.engine.ray_encoder import RayEncoder
from alen.language_model import LargeLanguageModel
from alen.serving import tracing
from alen.serving.accepting import EvenDoor
from alen.serving.app import create_app
from alen.serving.gathered import Gathered
from alen.serving.keys import Holder, Keys
from alen.serving.listening import GRACE_SECONDS, Listening
from alen.serving.log import log_in_lines
from alen.serving.passing_on import Upstream
from alen.serving.service import Service
from alen.serving.siblings import SHARE_SECONDS, Siblings

_LATE_SECONDS = 5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger("alen.serving")


def run(
    opening: Callable[[], Engine],
    listening: Listening,
    taken: socket,
    *,
    on_listening: Callable[[], None],
    siblings: Siblings | None = None,
    ends_with: Connection | None = None,
) -> None:
    """Serves at the socket ``taken`` until SIGTERM, SIGINT, or the other end of ``ends_with`` is closed. Raises what
    ``opening`` and ``service_of`` raise."""
    log_in_lines()
    engine = opening()
    try:
        service = service_of(engine, listening.keys)
    except BaseException:
        engine.close()
        raise
    service.siblings = siblings
    with tracing.traced(app := application(service, listening)), _sharing(service):
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS
        )
        _Server(config, on_listening, siblings).run_until(taken, ends_with)


def service_of(engine: Engine, keys: Path | None = None) -> Service:
    """Loads the language model, if it is one of this machine. Raises what loading and ``Keys.read`` raise."""
    if not isinstance(engine.encoder, RayEncoder):  # which spreads what it is given over its own processes
        engine.encoder = Gathered(engine.encoder)
    everyone = Holder("everyone", engine.settings.namespace)
    known = Keys(everyone) if keys is None else Keys.read(keys, everyone)
    chosen = engine.settings
    if is_address(chosen.model):
        key = chosen.api_key.get_secret_value() if chosen.api_key else None
        return Service(engine, None, known, upstream=Upstream(chosen.model, key))
    return Service(engine, local_model(engine), known)


def local_model(engine: Engine) -> LargeLanguageModel | None:
    backend = engine.model()
    if backend is None or not isinstance(backend.generator, LocalModel):
        return None
    return backend.generator.model


def application(service: Service, listening: Listening) -> FastAPI:
    app = create_app(service, most_bytes=listening.most_bytes)
    if listening.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(listening.origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after"],
        )
    return app


class _Server(uvicorn.Server):
    """Ends without the signal that it was ended with, so that a server that was asked to end ends with 0."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None], siblings: Siblings | None) -> None:
        super().__init__(config)
        self._on_listening, self._siblings = on_listening, siblings
        # Work that cannot be stopped, such as teaching a library, must not keep the process for longer than was said.
        self._late = threading.Timer(GRACE_SECONDS + _LATE_SECONDS, _end_now)
        self._late.daemon = True

    def run_until(self, taken: socket, ends_with: Connection | None) -> None:
        if ends_with is not None:
            threading.Thread(target=self._watch, args=[ends_with], daemon=True).start()
        try:
            self.run(sockets=[taken])
        finally:
            self._late.cancel()

    def _watch(self, ends_with: Connection) -> None:
        with suppress(EOFError, OSError):
            ends_with.recv()
        self.should_exit = True

    async def startup(self, sockets: list[socket] | None = None) -> None:
        if self._siblings is None:
            await super().startup(sockets=sockets)
        else:
            await super().startup(sockets=[])
            self.servers = [self._even_door(taken, self._siblings) for taken in sockets or []]
        if not self.should_exit:
            self._on_listening()

    def _even_door(self, taken: socket, siblings: Siblings) -> Any:
        """In the place of a server of asyncio."""
        config, state = self.config, self.server_state

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=state, app_state=self.lifespan.state)  # type: ignore[call-arg]  # as uvicorn says itself

        return EvenDoor(
            taken, protocol, lambda: len(state.connections), siblings.opened, siblings.number, config.backlog
        )

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._late.start()
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {kind: signal.signal(kind, self.handle_exit) for kind in _SIGNALS}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


@contextmanager
def _sharing(service: Service) -> Iterator[None]:
    """Other workers get to know the metrics of this one."""
    if service.siblings is None:
        yield
        return
    siblings, ended = service.siblings, threading.Event()

    def share() -> None:
        siblings.share(service.own_metrics())
        while not ended.wait(SHARE_SECONDS):
            siblings.share(service.own_metrics())

    thread = threading.Thread(target=share, name="share-metrics")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _end_now() -> None:
    logger.error("work under way did not end in time; what was acknowledged is stored")
    os._exit(1)
