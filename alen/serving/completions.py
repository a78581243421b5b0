"""POST /v1/completions: a text goes on, with its log-probabilities and those of the prompt."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from alen.errors import BadInput
from alen.generation.config import GenerationConfig
from alen.generation.scoring import Told
from alen.generation.ticket import Step
from alen.language_model import LargeLanguageModel
from alen.serving.service import Service
from alen.serving.usage import Usage
from alen.serving.wire import CompletionRequest
from alen.serving.writing import Piece, Texts

AT_ONCE = 16
"""Prompts of one request that are under way together, so that it alone never fills the waiting room."""


class Completion:
    """One request: its prompts, texts and counts."""

    def __init__(self, service: Service, model: LargeLanguageModel, request: CompletionRequest, usage: Usage) -> None:
        self._service, self._model, self._request, self.usage = service, model, request, usage
        self._count, self._length = request.n or 1, request.length
        self._prompts: list[list[int]] = []
        self._open: list[Texts] = []
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model.name,
        }

    async def begin(self) -> None:
        """The first text is under way after this, so that what is wrong shows before a stream begins."""
        await self._prepare()
        if self._length:
            self._open.append(await self._texts(0))

    async def whole(self) -> dict[str, Any]:
        """All prompts at once."""
        await self._prepare()
        gate = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._of_prompt(place, gate)) for place in range(len(self._prompts))]
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        choices = [choice for task in tasks for choice in task.result()]
        return {**self._head, "choices": choices, "usage": self.usage.to_json()}

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        """A chunk a token, also where its characters are not whole yet: clients count them."""
        extra = {"usage": None} if self._request.tells_usage else {}
        for place, prompt in enumerate(self._prompts):
            offsets = [0] * self._count
            first = place * self._count
            if self._request.echo:
                logprobs, offset = await self._echoed(prompt)
                for number in range(self._count):
                    offsets[number] = offset
                    yield self._chunk(first + number, self._text(prompt), None, logprobs) | extra
            if not self._length:
                for number in range(self._count):
                    yield self._chunk(first + number, "", "length", None) | extra
                continue
            texts = self._open[0] if place == 0 else await self._texts(place)
            self._open[:] = [texts]
            async for piece in texts.pieces():
                told = None
                if self._request.logprobs is not None and piece.steps:
                    told, offsets[piece.index] = self._logprobs([], piece.steps, offsets[piece.index])
                yield self._chunk(first + piece.index, piece.text, piece.reason, told) | extra
        if self._request.tells_usage:
            yield {**self._head, "choices": [], "usage": self.usage.to_json()}

    def close(self) -> None:
        for texts in self._open:
            texts.close()

    async def _prepare(self) -> None:
        request = self._request
        request.check()
        self._prompts = await self._service.quick.run(lambda: [self._tokens(prompt) for prompt in request.prompts()])
        if not self._length:
            self.usage.read += sum(map(len, self._prompts))

    async def _texts(self, place: int) -> Texts:
        config = self._config()
        return await Texts.begin(self._service, self._model, self._prompts[place], config, self._count, self.usage)

    async def _of_prompt(self, place: int, gate: asyncio.Semaphore) -> list[dict[str, Any]]:
        async with gate:
            told = await self._told(self._prompts[place])
            pieces: list[list[Piece]] = [[] for _ in range(self._count)]
            if self._length:
                texts = await self._texts(place)
                try:
                    async for piece in texts.pieces():
                        pieces[piece.index].append(piece)
                finally:
                    texts.close()
        return [self._choice(place, number, told, own) for number, own in enumerate(pieces)]

    def _choice(self, place: int, number: int, told: list[Told], own: list[Piece]) -> dict[str, Any]:
        prompt, request, logprobs = self._prompts[place], self._request, None
        if request.logprobs is not None:
            steps = [step for piece in own for step in piece.steps]
            logprobs, _ = self._logprobs(list(zip(prompt, told, strict=True)) if told else [], steps, 0)
        return {
            "index": place * self._count + number,
            "text": (self._text(prompt) if request.echo else "") + "".join(piece.text for piece in own),
            "logprobs": logprobs,
            "finish_reason": own[-1].reason if own else "length",
        }

    async def _told(self, prompt: list[int]) -> list[Told]:
        """How likely the prompt is, where that was asked for."""
        alternatives = self._request.logprobs
        if not self._request.echo or alternatives is None:
            return []
        model, stoppable = self._model, self._service.work.stoppable
        return await stoppable(lambda cancel: model.prompt_logprobs(prompt, alternatives, cancel=cancel))

    async def _echoed(self, prompt: list[int]) -> tuple[dict[str, Any] | None, int]:
        told = await self._told(prompt)
        if not told:
            return None, len(self._text(prompt))
        return self._logprobs(list(zip(prompt, told, strict=True)), [], 0)

    def _chunk(self, index: int, text: str, reason: str | None, logprobs: dict[str, Any] | None) -> dict[str, Any]:
        choice = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
        return {**self._head, "choices": [choice]}

    def _logprobs(
        self, prompt: Sequence[tuple[int, Told]], steps: Sequence[Step], offset: int
    ) -> tuple[dict[str, Any], int]:
        """And the offset after them. The chosen token is always among the likeliest told, with the very number it has
        by itself."""
        rows: list[tuple[int, float | None, Sequence[tuple[int, float]]]] = []
        rows += [(token, told.logprob, told.others) for token, told in prompt]
        rows += [(step.token, step.logprob, step.others) for step in steps]
        found: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for token, logprob, others in rows:
            name = self._name(token)
            found["tokens"].append(name)
            found["token_logprobs"].append(logprob)
            top = None
            if logprob is not None:
                top = {self._name(other): value for other, value in reversed(others)}
                top[name] = max(logprob, top.get(name, logprob))  # another token may be written the same
            found["top_logprobs"].append(top)
            found["text_offset"].append(offset)
            offset += len(self._text([token]))
        return found, offset

    def _config(self) -> GenerationConfig:
        return self._request.config(self._length, self._request.logprobs or 0)

    def _tokens(self, prompt: str | list[int]) -> list[int]:
        model = self._model
        if isinstance(prompt, str):
            tokens = model.prompt_tokens(prompt)
            return tokens if self._request.add_special_tokens else tokens[len(model.begin) :]
        if not prompt:
            raise BadInput("prompt", "no tokens", "at least one token", "Write something to continue.")
        model.check_tokens("prompt", prompt)
        return prompt

    def _text(self, tokens: Sequence[int]) -> str:
        return self._model.tokenizer.decode(tokens, skip_special=False)

    def _name(self, token: int) -> str:
        """Its text, or its bytes where they are a part of a character, as OpenAI's API writes them: tokens that differ
        have names that differ."""
        text = self._text([token])
        if "\ufffd" not in text:
            return text
        found = self._model.tokenizer.token_bytes(token)
        return text if found is None else "bytes:" + "".join(f"\\x{byte:02x}" for byte in found)
