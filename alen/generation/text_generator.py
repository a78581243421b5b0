"""TextGenerator: tokens in and tokens out over any causal model, and TextStream, which turns steps into text."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from alen.errors import BadInput
from alen.generation.config import GenerationConfig
from alen.generation.decode import CausalModel, Step, decode
from alen.generation.stopping import StopScanner
from alen.types import CancelToken, Completion


class Detokenizer(Protocol):
    """Turns tokens into text one by one and holds back bytes that are not a whole character yet."""

    def feed(self, token: int) -> str: ...
    def finish(self) -> str: ...


class TextGenerator:
    """Continues sequences of token ids.

    ``model`` is any causal model, ``config`` the request to use when a call gives none, ``end_tokens`` the ids that
    end a text. One generator may serve many threads; give it a ``lock`` when something else changes the weights."""

    def __init__(
        self,
        model: CausalModel,
        config: GenerationConfig | None = None,
        *,
        end_tokens: Sequence[int] = (),
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self.model = model
        self.config = config or GenerationConfig()
        self.end_tokens = tuple(end_tokens)
        self.lock = lock

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
        results = [self.generate(row, config, cancel=cancel) for row in rows]
        if config.pad_token_id is not None:
            longest = max(map(len, results), default=0)
            results = [row + [config.pad_token_id] * (longest - len(row)) for row in results]
        return results

    def steps(
        self,
        input_ids: Sequence[int],
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        use_cache: bool = True,
    ) -> Generator[Step, None, str]:
        """New tokens as they come; see ``decode``."""
        config = config or self.config
        if config.stop:
            self._refuse_stop_strings()
        return decode(
            self.model,
            input_ids,
            config,
            end_tokens=self.end_tokens,
            cancel=cancel,
            lock=self.lock,
            use_cache=use_cache,
        )

    def stream(
        self,
        input_ids: Sequence[int],
        detokenizer: Detokenizer,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        use_cache: bool = True,
    ) -> TextStream:
        """New text as it comes; stop strings count."""
        config = config or self.config
        steps = decode(
            self.model,
            input_ids,
            config,
            end_tokens=self.end_tokens,
            cancel=cancel,
            lock=self.lock,
            use_cache=use_cache,
        )
        return TextStream(steps, detokenizer, StopScanner(config.stop), len(input_ids))

    @staticmethod
    def _refuse_stop_strings() -> None:
        raise BadInput("stop", "stop strings for token ids", "no stop strings", "Use stream, which makes text.")


class TextStream(Iterator[str]):
    """Pieces of text, none empty. ``completion`` is what has been produced so far; after the last piece it is final.
    What was produced stays when the work is cancelled or the reader closes the stream."""

    def __init__(
        self, steps: Generator[Step, None, str], detokenizer: Detokenizer, scanner: StopScanner, prompt_tokens: int
    ) -> None:
        self._steps = steps
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
