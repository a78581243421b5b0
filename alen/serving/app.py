"""create_app: the HTTP server. Routes stand under /v1 and, for clients that leave it out, at the root too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from alen import __version__
from alen.engine import Engine
from alen.errors import UnknownModel
from alen.serving import client_routes, embeddings, errors, own, page, tokens, tracing
from alen.serving.chat import Chat
from alen.serving.completions import Completion
from alen.serving.door import Door
from alen.serving.listening import MOST_BYTES
from alen.serving.service import ALEN, Service
from alen.serving.streaming import STREAMED, Events, unless_gone
from alen.serving.wire import ChatRequest, CompletionRequest, DetokenizeRequest, EmbeddingRequest, TokenizeRequest


def create_app(service: Service, *, most_bytes: int = MOST_BYTES) -> FastAPI:
    """The application over one service, which it closes at its end."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(title="ALEN", version=__version__, lifespan=life)
    errors.install(app)
    app.add_middleware(Door, service=service, most_bytes=most_bytes)

    router = APIRouter(responses=errors.DECLARED)
    _add_model_routes(router, service)
    _add_own_routes(router, service)
    client_routes.add(router, service)
    app.include_router(router, prefix="/v1")
    app.include_router(router, include_in_schema=False)

    @app.head("/health", include_in_schema=False)
    @app.get("/health", responses=errors.DECLARED)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/version", responses=errors.DECLARED)
    async def version() -> dict[str, str]:
        return {"version": __version__}

    plain: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}, "description": "For Prometheus."}}

    @app.get("/metrics", response_class=Response, responses=plain | errors.DECLARED)
    async def metrics() -> Response:
        return Response(service.metrics(), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    async def playground() -> Response:
        return page.response()

    return app


def _add_model_routes(router: APIRouter, service: Service) -> None:
    created = int(time.time())

    @router.post("/completions", responses=STREAMED, response_model=None)
    async def completions(body: CompletionRequest, request: Request) -> Any:
        if service.upstream is not None and body.model != ALEN:
            return await service.upstream.pass_on("/completions", request, body.model)
        model = service.language_model(body.model)
        return await _written(
            service, Completion(service, model, body, request.state.usage), bool(body.stream), request
        )

    @router.post("/chat/completions", responses=STREAMED, response_model=None)
    async def chat(body: ChatRequest, request: Request) -> Any:
        usage = request.state.usage
        if body.model in (None, "", ALEN):
            work: Chat | own.AnsweredChat = own.AnsweredChat(service, request.state.holder, body, usage)
        elif service.upstream is not None:
            return await service.upstream.pass_on("/chat/completions", request, body.model)
        else:
            work = Chat(service, request.state.holder, service.language_model(body.model), body, usage)
        return await _written(service, work, bool(body.stream), request)

    @router.post("/embeddings")
    async def embed(body: EmbeddingRequest, request: Request) -> Response:
        usage, encoder = request.state.usage, service.engine.encoder
        made = service.work.run(lambda: JSONResponse(embeddings.made(encoder, body, usage)))
        return await unless_gone(request, made)

    @router.get("/models")
    async def models() -> dict[str, Any]:
        names = await asyncio.to_thread(service.names)
        rows = [{"id": name, "object": "model", "created": created, "owned_by": "alen"} for name in names]
        return {"object": "list", "data": rows}

    @router.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        names = await asyncio.to_thread(service.names)
        if name not in names:
            raise UnknownModel("model", repr(name), ", ".join(names), "GET /v1/models lists them.")
        return {"id": name, "object": "model", "created": created, "owned_by": "alen"}

    @router.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> Response:
        model = service.language_model(body.model)
        return await service.quick.run(lambda: JSONResponse(tokens.of_text(model, body)))

    @router.post("/detokenize")
    async def detokenize(body: DetokenizeRequest) -> dict[str, str]:
        model = service.language_model(body.model)
        return await service.quick.run(lambda: tokens.to_text(model, body))

    @router.get("/tokenizer_info")
    async def tokenizer_info() -> dict[str, Any]:
        return tokens.info(service.language_model(None))


def _add_own_routes(router: APIRouter, service: Service) -> None:
    def engine(request: Request) -> Engine:
        return service.engine_of(request.state.holder)

    @router.post("/alen/ask", response_model=dict[str, Any])
    async def ask(body: own.AskBody, request: Request) -> Response:
        work = service.work.stoppable(lambda cancel: own.ask(engine(request), body, cancel))
        answer, response = await unless_gone(request, work)
        tracing.note(answer)
        request.state.usage.answered(answer)
        return response

    @router.post("/alen/teach")
    async def teach(body: own.TeachBody, request: Request) -> dict[str, Any]:
        return await service.work.run(lambda: own.teach(engine(request), body))

    @router.post("/alen/feedback")
    async def feedback(body: own.FeedbackBody, request: Request) -> dict[str, Any]:
        return await service.work.run(
            lambda: engine(request).feedback(body.episode, correct=body.correct, answer=body.answer)
        )

    @router.get("/alen/memory")
    async def memory(request: Request) -> dict[str, Any]:
        return await service.work.run(lambda: own.of_its_own(engine(request), engine(request).stats()))

    @router.get("/alen/memory/search")
    async def search(request: Request, q: str, k: int = Query(8, ge=1, le=100)) -> dict[str, Any]:
        hits = await service.work.run(lambda: engine(request).memory.search(q, k))
        return {"hits": [hit.to_json() for hit in hits]}

    @router.get("/alen/memory/{uid}")
    async def show(request: Request, uid: str) -> dict[str, Any]:
        return await service.work.run(lambda: engine(request).memory.show(uid))

    @router.get("/alen/monitor")
    async def monitor() -> dict[str, Any]:
        service.tell_queue()
        return service.monitor.snapshot().to_json()


async def _written(service: Service, work: Completion | Chat | own.AnsweredChat, stream: bool, request: Request) -> Any:
    if not stream:
        found = await unless_gone(request, work.whole())
        return await service.quick.run(lambda: JSONResponse(found))  # log-probabilities of a long prompt are much text
    try:
        await unless_gone(request, work.begin())
    except BaseException:
        work.close()
        raise
    return Events(work)
