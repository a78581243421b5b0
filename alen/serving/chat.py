"""POST /v1/chat/completions, written by the language model alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from alen.errors import TooLong
from alen.generation.config import GenerationConfig
from alen.generation.ticket import Step
from alen.language_model import LargeLanguageModel
from alen.serving.keys import Holder
from alen.serving.quoting import recalled
from alen.serving.service import Service
from alen.serving.usage import Usage
from alen.serving.wire import ChatRequest
from alen.serving.writing import Texts


def head(kind: str, name: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": name}


class Chat:
    def __init__(
        self, service: Service, holder: Holder, model: LargeLanguageModel, request: ChatRequest, usage: Usage
    ) -> None:
        self._service, self._holder, self._model = service, holder, model
        self._request, self.usage = request, usage
        self._count = request.n or 1
        self._texts: Texts | None = None

    async def begin(self) -> None:
        """The texts are under way after this."""
        self._request.check()
        prompt = await self._service.quick.run(self._prompt)
        self._texts = await Texts.begin(
            self._service,
            self._model,
            prompt,
            self._config(len(prompt)),
            self._count,
            self.usage,
            await self._recalled(),
        )

    async def whole(self) -> dict[str, Any]:
        texts = [""] * self._count
        steps: list[list[Step]] = [[] for _ in range(self._count)]
        reasons: list[str | None] = [None] * self._count
        try:
            await self.begin()
            async for piece in self._begun.pieces():
                texts[piece.index] += piece.text
                steps[piece.index] += piece.steps
                reasons[piece.index] = piece.reason
        finally:
            self.close()
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": texts[index], "refusal": None},
                "logprobs": self._logprobs(steps[index]),
                "finish_reason": reasons[index],
            }
            for index in range(self._count)
        ]
        whole = {**head("chat.completion", self._model.name), "choices": choices, "usage": self.usage.to_json()}
        return whole | self._quoted()

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        first = head("chat.completion.chunk", self._model.name)
        extra = {"usage": None} if self._request.tells_usage else {}

        def chunk(index: int, delta: dict[str, str], reason: str | None, logprobs: Any = None) -> dict[str, Any]:
            choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
            return {**first, "choices": [choice], **extra}

        for index in range(self._count):
            yield chunk(index, {"role": "assistant", "content": ""}, None)
        async for piece in self._begun.pieces():
            if piece.steps or piece.text:
                yield chunk(piece.index, {"content": piece.text}, None, self._logprobs(piece.steps))
            if piece.reason is not None:
                yield chunk(piece.index, {}, piece.reason)
        if self._request.tells_usage or self._request.draft_from_memory:
            yield {**first, "choices": [], "usage": self.usage.to_json()} | self._quoted()

    def close(self) -> None:
        if self._texts is not None:
            self._texts.close()

    @property
    def _begun(self) -> Texts:
        assert self._texts is not None
        return self._texts

    async def _recalled(self) -> Mapping[str, Sequence[int]]:
        count, question = self._request.draft_from_memory or 0, self._request.conversation()[-1]["content"]
        if not count:
            return {}
        service, tokenizer = self._service, self._model.tokenizer
        return await service.work.run(lambda: recalled(service.engine_of(self._holder), question, count, tokenizer))

    def _quoted(self) -> dict[str, Any]:
        return {"alen": {"quoted": self.usage.quoted}} if self._request.draft_from_memory else {}

    def _prompt(self) -> list[int]:
        tokens = self._model.tokenizer.encode(self._model.chat_prompt(self._request.conversation()))
        if len(tokens) >= self._model.context:
            allowed = f"at most {self._model.context - 1:,} tokens for this model"
            raise TooLong("messages", f"{len(tokens):,} tokens", allowed, "Shorten the conversation.")
        return tokens

    def _config(self, read: int) -> GenerationConfig:
        asked = self._request.max_completion_tokens or self._request.max_tokens or self._model.context - read
        return self._request.config(asked, self._request.top_logprobs or 0)

    def _logprobs(self, steps: Sequence[Step]) -> dict[str, Any] | None:
        if not self._request.logprobs:
            return None
        told = [
            {**self._told(step.token, step.logprob), "top_logprobs": [self._told(*other) for other in step.others]}
            for step in steps
        ]
        return {"content": told, "refusal": None}

    def _told(self, token: int, logprob: float) -> dict[str, Any]:
        """``bytes`` of a token that is a part of a character join with those of the next to the whole of it."""
        tokenizer = self._model.tokenizer
        found = tokenizer.token_bytes(token)
        text = tokenizer.decode([token], skip_special=False)
        return {"token": text, "logprob": logprob, "bytes": None if found is None else list(found)}
