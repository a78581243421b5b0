"""Writing that another server does: requests for its model are passed on to it, and what it answers is passed back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from alen.engine.model_server import Address, ModelServer
from alen.engine.remote_model import RemoteModel
from alen.errors import AlenError, ModelServerFailed, UnknownModel
from alen.serving import errors
from alen.serving.streaming import Events, unless_gone
from alen.serving.usage import Usage


class Upstream:
    """The server at ``url``, http://HOST:PORT/v1#MODEL, with its ``key``, which nobody else gets to see; nor does it
    see the key of who asks. It is not asked before the first request, so it may start later than this one."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._server = ModelServer(Address.parse(url).base, key=key)
        self._model = RemoteModel(url, key=key)

    def names(self) -> list[str]:
        """That of its model; none while it cannot be reached, or has several and the URL names none."""
        try:
            return [self._model.name]
        except AlenError:
            return []

    async def pass_on(self, path: str, request: Request, model: str | None) -> Response:
        """As it was sent. Raises UnknownModel when it is for another model."""
        try:
            name = await asyncio.to_thread(lambda: self._model.name)
            if model not in (None, "", name):
                raise UnknownModel("model", repr(model), f"alen or {name}", "GET /v1/models lists them.")
            body = {**await request.json(), "model": name}
            if body.get("stream"):
                work = _Passed(self._exchange(path, body), request.state.usage)
                refusal = await unless_gone(request, work.refusal())
                return Events(work) if refusal is None else refusal
            return await unless_gone(request, self._whole(path, body, request))
        except ModelServerFailed as error:
            return JSONResponse(errors.body(str(error), "upstream_error", code="upstream_failed"), 502)

    async def _whole(self, path: str, body: dict[str, Any], request: Request) -> Response:
        async with self._server.opened(path, body) as response:
            found = await self._server.read(response)
        usage = found.get("usage")
        if isinstance(usage, dict):
            counted: Usage = request.state.usage
            counted.read, counted.written = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        return _answered(response, found)

    async def _exchange(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Response | dict[str, Any] | None]:
        """First whether it is refused, then the events."""
        async with self._server.opened(path, body) as response:
            if response.status_code != 200:
                yield _answered(response, await self._server.read(response))
                return
            yield None
            async for line in response.aiter_lines():
                data = line.removeprefix("data:").strip()
                if line.startswith("data:") and data != "[DONE]":
                    yield _event(data)


def _event(data: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelServerFailed("The model server sent an event that is not a JSON object.", "Look at its log.")
    return found


def _answered(response: Any, found: dict[str, Any]) -> Response:
    """Who asked is not to blame when the upstream does not know the key of this server."""
    if response.status_code in (401, 403):
        raise ModelServerFailed("The model server refused the key of this server.", "Set ALEN_API_KEY.")
    kept = {"Retry-After": response.headers["retry-after"]} if "retry-after" in response.headers else None
    return JSONResponse(found, response.status_code, kept)


class _Passed:
    """What an exchange gives. The status is known before the first event is passed back."""

    def __init__(self, exchange: AsyncGenerator[Any], usage: Usage) -> None:
        self._exchange, self.usage = exchange, usage

    async def refusal(self) -> Response | None:
        try:
            first: Response | None = await anext(self._exchange)
        except BaseException:
            await self._exchange.aclose()
            raise
        if first is not None:
            await self._exchange.aclose()
        return first

    async def begin(self) -> None:
        """It has begun."""

    def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        return self._told()

    def close(self) -> None:
        """It ends with the iteration."""

    async def _told(self) -> AsyncGenerator[dict[str, Any]]:
        try:
            async for chunk in self._exchange:
                self.usage.wrote()
                self.usage.written += len(chunk.get("choices") or ())
                yield chunk
        finally:
            await self._exchange.aclose()


def _count(told: Any) -> int:
    return told if isinstance(told, int) else 0
