"""RemoteLanguageModel: the language model of a running server, text in, text out, without memory or checks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from alen.client.connection import Connection, read
from alen.errors import Cancelled
from alen.types import CancelToken, Completion

FIELDS = ("max_tokens", "temperature", "top_k", "top_p", "seed")
"""Of a GenerationConfig, what is sent."""


class RemoteLanguageModel:
    """``stream`` and ``complete`` as of LargeLanguageModel. Raises what ``Connection`` raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stream(self, prompt: str, config: Any, *, cancel: CancelToken | None = None) -> RemoteText:
        """``config`` is a GenerationConfig. Pieces as they come; a cancel ends them and keeps the text so far."""
        return RemoteText(self._connection, prompt, config, cancel)

    def complete(self, prompt: str, config: Any, *, cancel: CancelToken | None = None) -> Completion:
        text = self.stream(prompt, config, cancel=cancel)
        for _ in text:
            pass
        return text.completion


class RemoteText(Iterator[str]):
    """Pieces of text, none empty. ``completion`` is what has come so far. Closing it ends the work at the server."""

    def __init__(self, connection: Connection, prompt: str, config: Any, cancel: CancelToken | None) -> None:
        fields = {name: getattr(config, name) for name in FIELDS if getattr(config, name) is not None}
        body = {"prompt": prompt, "stream": True, "stream_options": {"include_usage": True}, **fields}
        self._connection, self._cancel = connection, cancel
        self._events: Any = connection.events("/completions", body, cancel=cancel)
        self._pieces: list[str] = []
        self._reason = "cancelled"
        self._tokens = self._prompt_tokens = 0
        self._started = self._first = self._last = time.perf_counter()

    def __next__(self) -> str:
        try:
            for event in self._events:
                piece: str = read(self._connection, self._piece, event)
                if piece:
                    return piece
        except Cancelled:
            if self._cancel is None or not self._cancel.is_set():
                raise
        raise StopIteration

    def close(self) -> None:
        self._events.close()

    @property
    def completion(self) -> Completion:
        return Completion(
            text="".join(self._pieces),
            tokens=self._tokens,
            prompt_tokens=self._prompt_tokens,
            finish_reason=self._reason,
            timings_ms={
                "prefill": (self._first - self._started) * 1e3,
                "decode": (self._last - self._first) * 1e3,
                "total": (self._last - self._started) * 1e3,
            },
        )

    def _piece(self, event: dict[str, Any]) -> str:
        self._last = time.perf_counter()
        usage = event.get("usage")
        if usage is not None:
            self._tokens, self._prompt_tokens = int(usage["completion_tokens"]), int(usage["prompt_tokens"])
        text = ""
        for choice in event["choices"]:
            if not self._tokens:
                self._first = self._last
            self._tokens += choice["finish_reason"] is None
            self._reason = choice["finish_reason"] or self._reason
            text += choice["text"]
        if text:
            self._pieces.append(text)
        return text
