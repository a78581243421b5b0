"""Server-sent events, one JSON object each, with what OpenAI's clients expect at the end; and work that ends when its
client goes away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, Protocol, TypeVar

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from alen.serving.errors import told
from alen.serving.usage import Usage

PING_SECONDS = 15.0
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/event-stream": {}}, "description": "Whole, or as events."}
}
"""What routes that may stream tell of it in the OpenAPI document."""

T = TypeVar("T")


class Gone(Exception):
    """The client went away."""


class Streamed(Protocol):
    """``begin`` raises what is wrong with the request, while the status can still tell it."""

    usage: Usage

    async def begin(self) -> None: ...
    def chunks(self) -> AsyncGenerator[dict[str, Any]]: ...
    def close(self) -> None: ...


class Events(Response):
    """The chunks of ``work``, which has begun, as they come. It is closed at the end, however that comes."""

    media_type = "text/event-stream"

    def __init__(self, work: Streamed) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._work = work
        self._sent = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A token is sent a hundred times a second: whoever goes away interrupts, and is not waited for at each of them.
        mine, is_open = asyncio.current_task(), True
        assert mine is not None
        gone = asyncio.ensure_future(_gone(receive))
        gone.add_done_callback(lambda _: mine.cancel() if is_open else None)
        pings = asyncio.ensure_future(self._ping(send))
        chunks = self._work.chunks()
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for line in self._lines(chunks):
                self._sent = time.monotonic()
                await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            if not gone.done() or gone.cancelled():
                raise
            mine.uncancel()
            raise Gone from None
        finally:
            is_open = False
            self._work.close()
            await _ended(gone)
            await _ended(pings)
            await chunks.aclose()

    async def _lines(self, chunks: AsyncGenerator[dict[str, Any]]) -> AsyncIterator[str]:
        try:
            async for chunk in chunks:
                yield event(chunk)
        except Exception as error:
            self._work.usage.failed, found = told(error)
            yield event(found)
        yield "data: [DONE]\n\n"

    async def _ping(self, send: Send) -> None:
        """A comment now and then while nothing comes, so that nobody on the way takes the connection for dead."""
        self._sent = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, self._sent + PING_SECONDS - time.monotonic()))
            if time.monotonic() >= self._sent + PING_SECONDS:
                self._sent = time.monotonic()
                await send({"type": "http.response.body", "body": b": still at it\n\n", "more_body": True})


def event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` comes to; it is cancelled when the client goes away, with Gone."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Gone
        return task.result()
    finally:
        await _ended(gone)
        await _ended(task)


async def _gone(receive: Receive) -> None:
    """Returns when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
