"""What every request passes: its id, its key, the bound on its body, how long it took and a line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alen.serving import errors
from alen.serving.service import Service
from alen.serving.streaming import Gone
from alen.serving.usage import Usage

BODY_SECONDS = 60.0
"""Within which a body has to have come."""

GONE = 499
"""In the log and in the metrics: the client went away before the end."""

OPEN = frozenset({"/", "/health", "/version", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
"""What needs no key. Everything else does, routes that do not exist too."""

logger = logging.getLogger("alen.serving.access")


class Door:
    """Plain ASGI, so that a stream is measured to its last byte and hears at once when its client goes away. Leaves
    ``usage`` and ``holder`` in the state of the request."""

    def __init__(self, app: ASGIApp, service: Service, most_bytes: int) -> None:
        self._app, self._service, self._most_bytes = app, service, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, started, status = Headers(scope=scope), time.perf_counter(), 0
        name = _name(headers.get("x-request-id", ""))
        errors.REQUEST.set(name)
        usage = Usage(started)
        scope.setdefault("state", {})["usage"] = usage

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = name
            await send(message)

        try:
            body = self._admitted(scope, headers, receive)
            await self._app(scope, body, tell)
        except Gone:
            usage.failed = GONE
        except Exception as error:
            found = errors.response(error)
            if status:
                usage.failed = found.status_code
                raise
            await found(scope, receive, tell)
        except asyncio.CancelledError:
            usage.failed = GONE
            raise
        finally:
            self._note(scope, name, usage.failed or status, time.perf_counter() - started, usage)

    def _admitted(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """How the body may be read. Raises NotAllowed, TooMany, TooLarge."""
        holder = None
        if scope["path"] not in OPEN:
            holder = self._service.keys.holder(headers.get("authorization"))
        scope["state"]["holder"] = holder
        if holder is not None:
            scope["state"]["usage"].owner = holder.namespace
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most_bytes:
            raise errors.TooLarge(self._most_bytes)
        return _Body(receive, self._most_bytes).receive

    def _note(self, scope: Scope, name: str, status: int, seconds: float, usage: Usage) -> None:
        route = _route(scope)
        monitor = self._service.monitor
        if usage.first is not None:
            monitor.first_token(usage.first)
        monitor.ended(
            route,
            status,
            seconds,
            read=usage.read,
            written=usage.written,
            confidence=usage.confidence,
            decision=usage.decision,
        )
        told = {"id": name, "route": route, "status": status, "seconds": round(seconds, 4)}
        logger.info("request", extra=told)


class _Body:
    """Counts what comes, so that a body without a length, or with a wrong one, is refused before it is in memory."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive, self._most_bytes = receive, most_bytes
        self._bytes, self._is_whole = 0, False
        self._until = time.monotonic() + BODY_SECONDS

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise errors.TooSlow(BODY_SECONDS) from None
        self._bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._bytes > self._most_bytes:
            raise errors.TooLarge(self._most_bytes)
        return message


def _route(scope: Scope) -> str:
    """Its pattern, of which there are few; some versions of FastAPI tell it without the prefix of its router."""
    found = getattr(scope.get("route"), "path", None)
    if found is None:
        return "none"
    return f"/v1{found}" if scope["path"].startswith("/v1/") and not found.startswith("/v1/") else str(found)


def _name(given: str) -> str:
    return given if 0 < len(given) <= 64 and given.isascii() and given.isprintable() else uuid.uuid4().hex
