"""TextGenerator: tokens in and tokens out over any causal model, and TextStream, which turns steps into text."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from alen.errors import BadInput
from alen.generation.batching import Batcher
from alen.generation.choosing import Constraint
from alen.generation.config import GenerationConfig
from alen.generation.hybrid import Mixer
from alen.generation.stepper import CausalModel, Stepper, TorchStepper
from alen.generation.stopping import StopScanner
from alen.generation.ticket import Step, Ticket
from alen.types import CancelToken, Completion


class Detokenizer(Protocol):
    """Turns tokens into text one by one and holds back bytes that are not a whole character yet."""

    def feed(self, token: int) -> str: ...
    def finish(self) -> str: ...


class TextGenerator:
    """Continues sequences of token ids, many at a time.

    ``model`` is any causal model or a ``Stepper``, ``config`` the request to use when a call gives none, ``end_tokens``
    the ids that end a text. One generator may serve many threads; give it a ``lock`` when something else changes the
    weights. ``options`` are those of ``Batcher``."""

    def __init__(
        self,
        model: CausalModel | Stepper,
        config: GenerationConfig | None = None,
        *,
        end_tokens: Sequence[int] = (),
        lock: AbstractContextManager[object] | None = None,
        **options: int,
    ) -> None:
        self.stepper: Stepper = model if isinstance(model, Stepper) else TorchStepper(model)
        self.batch = Batcher(self.stepper, lock=lock, **options)
        self.config = config or GenerationConfig()
        self.end_tokens = tuple(end_tokens)

    def generate(
        self, input_ids: Sequence[int], config: GenerationConfig | None = None, *, cancel: CancelToken | None = None
    ) -> list[int]:
        """The new token ids, without the prompt and without the end token."""
        return [step.token for step in self.steps(input_ids, config, cancel=cancel)]

    def generate_batch(
        self,
        rows: Sequence[Sequence[int]],
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
    ) -> list[list[int]]:
        """``generate`` for each row, each exactly as it would be alone; the config's seed counts for every row. With
        ``pad_token_id`` the shorter results are filled up at the end to one length."""
        config = config or self.config
        tickets = [self._submit(row, self._without_stops(config), cancel) for row in rows]
        results = [[step.token for step in ticket] for ticket in tickets]
        if config.pad_token_id is not None:
            longest = max(map(len, results), default=0)
            results = [row + [config.pad_token_id] * (longest - len(row)) for row in results]
        return results

    def steps(
        self, input_ids: Sequence[int], config: GenerationConfig | None = None, *, cancel: CancelToken | None = None
    ) -> Generator[Step, None, str]:
        """New tokens one by one; the generator's value is the reason for the end: ``stop``, ``length`` or
        ``cancelled``. Raises BadInput when the prompt is empty or does not fit, Overloaded when too many requests
        wait."""
        return _steps(self._submit(input_ids, self._without_stops(config or self.config), cancel))

    def stream(
        self,
        input_ids: Sequence[int],
        detokenizer: Detokenizer,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        constraint: Constraint | None = None,
        recalled: Mapping[str, Sequence[int]] | None = None,
        mixer: Mixer | None = None,
    ) -> TextStream:
        """New text as it comes; stop strings count. ``constraint``, ``recalled`` and ``mixer`` as of
        ``Batcher.submit``."""
        config = config or self.config
        ticket = self._submit(input_ids, config, cancel, constraint, recalled, mixer)
        return TextStream(_steps(ticket), detokenizer, StopScanner(config.stop), len(input_ids), ticket)

    def _submit(
        self,
        prompt: Sequence[int],
        config: GenerationConfig,
        cancel: CancelToken | None,
        constraint: Constraint | None = None,
        recalled: Mapping[str, Sequence[int]] | None = None,
        mixer: Mixer | None = None,
    ) -> Ticket:
        return self.batch.submit(
            prompt,
            config,
            end_tokens=self.end_tokens,
            cancel=cancel,
            constraints=() if constraint is None else (constraint,),
            recalled=recalled,
            mixer=mixer,
        )[0]

    @staticmethod
    def _without_stops(config: GenerationConfig) -> GenerationConfig:
        if config.stop:
            raise BadInput("stop", "stop strings for token ids", "no stop strings", "Use stream, which makes text.")
        return config


def _steps(ticket: Ticket) -> Generator[Step, None, str]:
    try:
        yield from ticket
    finally:
        ticket.close()
    return ticket.reason


class TextStream(Iterator[str]):
    """Pieces of text, none empty. ``completion`` is what has been produced so far; after the last piece it is final.
    What was produced stays when the work is cancelled or the reader closes the stream."""

    def __init__(
        self,
        steps: Generator[Step, None, str],
        detokenizer: Detokenizer,
        scanner: StopScanner,
        prompt_tokens: int,
        ticket: Ticket | None = None,
    ) -> None:
        self._steps = steps
        self.ticket = ticket
        self._detokenizer = detokenizer
        self._scanner = scanner
        self._prompt_tokens = prompt_tokens
        self._pieces: list[str] = []
        self._taken: list[Step] = []
        self._reason: str | None = None
        self._started = time.perf_counter()
        self._first: float | None = None
        self._last = self._started

    def __next__(self) -> str:
        while self._reason is None:
            piece = self._advance()
            if piece:
                self._pieces.append(piece)
                return piece
        raise StopIteration

    def close(self) -> None:
        """End the work now."""
        self._steps.close()
        if self._reason is None:
            self._pieces.append(self._end("cancelled"))

    def __del__(self) -> None:
        if self.ticket is not None:  # what was never begun has no other way to hear of it
            self.ticket.close()

    def read(self) -> Completion:
        """Run to the end."""
        for _ in self:
            pass
        return self.completion

    @property
    def completion(self) -> Completion:
        first = self._last if self._first is None else self._first
        return Completion(
            text="".join(self._pieces),
            tokens=len(self._taken),
            prompt_tokens=self._prompt_tokens,
            finish_reason=self._reason or "cancelled",
            logprobs=tuple(step.logprob for step in self._taken),
            token_ids=tuple(step.token for step in self._taken),
            quoted={} if self.ticket is None else dict(self.ticket.quoted),
            timings_ms={
                "prefill": (first - self._started) * 1e3,
                "decode": (self._last - first) * 1e3,
                "total": (self._last - self._started) * 1e3,
            },
        )

    def _advance(self) -> str:
        try:
            step = next(self._steps)
        except StopIteration as end:
            self._last = time.perf_counter()
            return self._end(str(end.value))
        self._last = time.perf_counter()
        if self._first is None:
            self._first = self._last
        self._taken.append(step)
        piece = self._scanner.feed(self._detokenizer.feed(step.token))
        if self._scanner.stopped:
            self._steps.close()
            self._reason = "stop"
        return piece

    def _end(self, reason: str) -> str:
        self._reason = reason
        rest = self._scanner.feed(self._detokenizer.finish()) + self._scanner.finish()
        if self._scanner.stopped:
            self._reason = "stop"
        return rest
