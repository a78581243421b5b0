"""Texts as they are written, for many readers on one event loop: pieces of several texts after one prompt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from alen.generation.batching import Closed
from alen.generation.config import GenerationConfig
from alen.generation.stopping import StopScanner
from alen.generation.ticket import Step, Ticket
from alen.language_model import LargeLanguageModel
from alen.serving.service import Service
from alen.serving.usage import Usage
from alen.text.tokenizer import Detokenizer

_Found = tuple[int, Step | BaseException | None]


@dataclass(slots=True)
class Piece:
    """What came of text ``index``: characters, the steps they came of, and why it ended, once it did."""

    index: int
    text: str
    steps: tuple[Step, ...] = ()
    reason: str | None = None


class Texts:
    """``count`` texts after one prompt, under way since ``begin``."""

    def __init__(self, arrived: asyncio.Queue[_Found], tickets: list[Ticket], texts: list[_Text], usage: Usage) -> None:
        self._arrived, self._tickets, self._texts, self._usage = arrived, tickets, texts, usage
        self._is_open = True

    @classmethod
    async def begin(
        cls,
        service: Service,
        model: LargeLanguageModel,
        prompt: Sequence[int],
        config: GenerationConfig,
        count: int,
        usage: Usage,
        recalled: Mapping[str, Sequence[int]] | None = None,
    ) -> Texts:
        """Raises BadInput, and what ``Batcher.submit`` raises."""
        model.check_tokens("logit_bias", list(config.logit_bias))
        constraints = []
        if config.json_schema is not None:
            constraints = await service.quick.run(
                lambda: [held for _ in range(count) if (held := model.constraint(config)) is not None]
            )
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[_Found] = asyncio.Queue()

        def put(index: int, found: Step | BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, (index, found))
            except RuntimeError:  # the loop has ended, and nobody reads any more
                return

        tickets = model.batch.submit(
            prompt,
            config,
            count=count,
            end_tokens=model.tokenizer.eos_ids,
            constraints=constraints,
            recalled=recalled,
            sinks=[partial(put, index) for index in range(count)],
            owner=usage.owner,
        )
        usage.read += len(prompt)
        texts = [_Text(model.tokenizer.detokenizer(), StopScanner(config.stop)) for _ in tickets]
        return cls(arrived, tickets, texts, usage)

    async def pieces(self) -> AsyncGenerator[Piece]:
        """One a token, in the order they come. Raises what breaks the work."""
        left = set(range(len(self._tickets)))
        while left:
            index, found = await self._arrived.get()
            if isinstance(found, BaseException):
                raise found
            if index not in left:
                continue  # what was written after a stop string
            if found is not None:
                self._usage.wrote()
            elif self._tickets[index].reason == "cancelled":
                raise Closed("The model was closed.")
            piece = self._texts[index].take(index, found, self._tickets[index])
            if piece.reason is not None:
                left.discard(index)
                self._tickets[index].close()
            yield piece
        self.close()

    def close(self) -> None:
        """End the texts within a step."""
        if not self._is_open:
            return
        self._is_open = False
        for ticket in self._tickets:
            ticket.close()
            self._usage.note(ticket)


class _Text:
    def __init__(self, detokenizer: Detokenizer, scanner: StopScanner) -> None:
        self._detokenizer, self._scanner = detokenizer, scanner

    def take(self, index: int, step: Step | None, ticket: Ticket) -> Piece:
        if step is None:
            rest = self._scanner.feed(self._detokenizer.finish()) + self._scanner.finish()
            return Piece(index, rest, (), "stop" if self._scanner.stopped else ticket.reason)
        text = self._scanner.feed(self._detokenizer.feed(step.token))
        return Piece(index, text, (step,), "stop" if self._scanner.stopped else None)
