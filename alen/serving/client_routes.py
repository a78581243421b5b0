"""What ``--url`` needs beside the rest: the memory, chats that tell their stage, and what answers depend on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Literal

from fastapi import APIRouter, Request

from alen.serving import memory_routes
from alen.serving.keys import Holder
from alen.serving.own import Strict
from alen.serving.service import Service
from alen.serving.streaming import STREAMED, Events, unless_gone
from alen.serving.usage import Usage
from alen.types import Answer, CancelToken
from alen.validation.provenance import provenance


class ChatBody(Strict):
    """Without a session a new one is begun, unless it is private. A stream tells the stages, then the answer."""

    message: str
    session: str | None = None
    effort: Literal["fast", "balanced", "thorough"] | None = None
    private: bool = False
    stream: bool = False


def add(router: APIRouter, service: Service) -> None:
    memory_routes.add(router, service)

    @router.post("/alen/chat", responses=STREAMED, response_model=None)
    async def chat(body: ChatBody, request: Request) -> Any:
        work = _Chatted(service, request.state.holder, body, request.state.usage)
        if body.stream:
            return Events(work)
        return await unless_gone(request, work.whole())

    @router.get("/alen/provenance")
    async def provenance_of(request: Request) -> dict[str, str]:
        return await service.work.run(lambda: provenance(service.engine_of(request.state.holder)))

    @router.get("/alen/belief")
    async def belief(request: Request) -> dict[str, Any]:
        return await service.work.run(lambda: service.engine_of(request.state.holder).belief().to_json())


class _Chatted:
    """A stream tells ``{"stage"}`` as stages begin, then ``{"answer"}``."""

    def __init__(self, service: Service, holder: Holder, body: ChatBody, usage: Usage) -> None:
        self._service, self._holder, self._body, self.usage = service, holder, body, usage
        self._arrived: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def begin(self) -> None:
        """Nothing is wrong before it begins."""

    def close(self) -> None:
        """The work ends with the iteration."""

    async def whole(self) -> dict[str, Any]:
        answer = await self._service.work.stoppable(self._answer)
        self.usage.answered(answer)
        return answer.to_json(whole=True)

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        work = asyncio.ensure_future(self.whole())
        work.add_done_callback(lambda _: self._arrived.put_nowait(None))
        try:
            while (told := await self._arrived.get()) is not None:
                yield told
            yield {"answer": work.result()}
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _answer(self, cancel: CancelToken) -> Answer:
        body = self._body
        return self._service.engine_of(self._holder).chat(
            body.message,
            session=body.session,
            effort=body.effort,
            private=body.private,
            cancel=cancel,
            on_stage=self._stage,
        )

    def _stage(self, name: str) -> None:
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, {"stage": name})
