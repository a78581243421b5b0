"""A conversation with an engine, away from any screen: opens it once, sends one message at a time, stops, closes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from alen.errors import Cancelled
from alen.types import Answer, Effort

if TYPE_CHECKING:
    from alen.engine import Engine


class Conversation:
    """Thread-safe. ``open_engine`` is called once, by whichever thread needs the engine first."""

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        *,
        session: str | None = None,
        effort: Effort | None = None,
        private: bool = False,
    ) -> None:
        self.session = session
        self.answered = 0
        self._open_engine = open_engine
        self._effort = effort
        self._private = private
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        self._sending = threading.Lock()
        self._cancel = threading.Event()
        self._closed = False

    def open(self) -> Engine:
        """The engine, opened on the first call. Raises what opening raises, and Cancelled after ``close``."""
        with self._opening:
            if self._closed:
                raise Cancelled("The conversation is closed.")
            if self._engine is None:
                self._engine = self._open_engine()
            return self._engine

    def begin(self) -> threading.Event:
        """A fresh cancel token for the next message. ``stop`` sets it, even before ``send`` starts to work."""
        self._cancel = threading.Event()
        return self._cancel

    def send(self, text: str, cancel: threading.Event, on_stage: Callable[[str], None]) -> Answer:
        """Ask within the session. Raises Cancelled when stopped, and what the engine raises."""
        engine = self.open()
        with self._sending:
            if cancel.is_set():
                raise Cancelled("The answer was stopped.")
            answer = engine.chat(
                text,
                session=self.session,
                effort=self._effort,
                private=self._private,
                cancel=cancel,
                on_stage=on_stage,
            )
        self.session = answer.session or self.session
        self.answered += 1
        return answer

    def stop(self) -> None:
        self._cancel.set()

    def close(self) -> None:
        """Stop what runs, wait for it, and close the engine."""
        self.stop()
        with self._sending, self._opening:
            self._closed = True
            if self._engine is not None:
                self._engine.close()
                self._engine = None
