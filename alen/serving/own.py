"""/v1/alen: ask, teach, give feedback, look into memory; and chats that the reasoning engine answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from alen.engine import Engine
from alen.errors import BadInput
from alen.serving.chat import head
from alen.serving.keys import Holder
from alen.serving.service import ALEN, Service
from alen.serving.usage import Usage
from alen.serving.wire import Body, ChatRequest
from alen.types import Answer, CancelToken, Effort

MOST_ROWS = 10_000
_EFFORTS: tuple[Effort, ...] = ("fast", "balanced", "thorough")


class Strict(Body):
    model_config = ConfigDict(extra="forbid")


class AskBody(Strict):
    """``whole``: each candidate with its interval and its evidence."""

    question: str
    session: str | None = None
    effort: Literal["fast", "balanced", "thorough"] | None = None
    private: bool = False
    whole: bool = False


class QuestionAndAnswer(Strict):
    question: str
    answer: str
    context: str | None = None
    tags: list[str] | None = None


class TaughtPassage(Strict):
    id: str | int
    text: str
    title: str | None = None


class TeachBody(Strict):
    text: str | None = None
    qa: list[QuestionAndAnswer] | None = Field(None, max_length=MOST_ROWS)
    passages: list[TaughtPassage] | None = Field(None, max_length=MOST_ROWS)
    source: str | None = None


class FeedbackBody(Strict):
    episode: str
    correct: bool
    answer: str | None = None


def ask(engine: Engine, body: AskBody, cancel: CancelToken) -> tuple[Answer, JSONResponse]:
    """The answer, and how it is sent."""
    answer = engine.ask(body.question, session=body.session, effort=body.effort, private=body.private, cancel=cancel)
    return answer, JSONResponse(answer.to_json(whole=body.whole))


def teach(engine: Engine, body: TeachBody) -> dict[str, Any]:
    if body.text is None and body.qa is None and body.passages is None:
        raise BadInput("body", "nothing to learn", "text, qa or passages", "Give one of them.")
    qa = None if body.qa is None else [row.model_dump(exclude_none=True) for row in body.qa]
    passages = None if body.passages is None else [row.model_dump(exclude_none=True) for row in body.passages]
    return engine.teach(body.text, qa=qa, passages=passages, source=body.source).to_json()


def of_its_own(engine: Engine, found: dict[str, Any]) -> dict[str, Any]:
    """Counts, without what other namespaces are called: that is theirs."""
    return found | {"namespaces": [name for name in found["namespaces"] if name == engine.memory.namespace]}


class AnsweredChat:
    """A conversation that ALEN answers from memory. A field ``alen`` adds what it rests on and how sure it is."""

    def __init__(self, service: Service, holder: Holder, request: ChatRequest, usage: Usage) -> None:
        last = request.conversation()[-1]
        if last["role"] != "user":
            raise BadInput("messages", f"a last turn of {last['role']}", "a turn of the user", "Ask something.")
        if request.effort not in (None, *_EFFORTS):
            raise BadInput("effort", repr(request.effort), ", ".join(_EFFORTS), "Leave it out.")
        self._service, self._holder, self._request, self.usage = service, holder, request, usage
        self._question = last["content"]
        self._answering: asyncio.Task[Answer] | None = None

    async def begin(self) -> None:
        """Raises Overloaded."""
        self._service.work.check()
        self._answering = asyncio.ensure_future(self._answered())
        self._answering.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may look

    def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()

    async def whole(self) -> dict[str, Any]:
        answer = await self._answered()
        message = {"role": "assistant", "content": said(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        whole = {**head("chat.completion", ALEN), "choices": [choice], "usage": self.usage.to_json()}
        return whole | {"alen": answer.to_json()}

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        assert self._answering is not None
        first = head("chat.completion.chunk", ALEN)
        start = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        first |= {"usage": None} if self._request.tells_usage else {}
        yield {**first, "choices": [start]}
        answer = await self._answering
        self.usage.wrote()
        yield {**first, "choices": [start | {"delta": {"content": said(answer)}}]}
        yield {**first, "choices": [start | {"delta": {}, "finish_reason": "stop"}], "alen": answer.to_json()}
        if self._request.tells_usage:
            yield {**first, "choices": [], "usage": self.usage.to_json()}

    async def _answered(self) -> Answer:
        session, effort, service, holder = self._request.session, self._request.effort, self._service, self._holder
        answer = await service.work.stoppable(
            lambda cancel: service.engine_of(holder).chat(
                self._question,
                session=session,
                effort=effort,  # type: ignore[arg-type]  # looked at above
                private=session is None,
                cancel=cancel,
            )
        )
        self.usage.answered(answer)
        return answer


def said(answer: Answer) -> str:
    """What a person reads: the answer, or that there is none and why."""
    return answer.text if answer.text is not None else f"I don't know. {answer.reason}"
