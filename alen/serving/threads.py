"""Threads for what would hold up the event loop, with a bound on how much waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from alen.generation.batching import Closed, Overloaded
from alen.types import CancelToken

T = TypeVar("T")


class Threads:
    """At most ``running`` calls at a time, and ``waiting`` more."""

    def __init__(self, name: str, running: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(running, thread_name_prefix=name)
        self._most, self._held, self._lock = running + waiting, 0, threading.Lock()

    @property
    def held(self) -> int:
        """Calls that run or wait."""
        return self._held

    def check(self) -> None:
        """Raises Overloaded when one call more would not be taken."""
        if self._held >= self._most:
            raise Overloaded(f"{self._held} requests run or wait already.", "Try again in a moment.")

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns. Raises what it raises, Overloaded when too many wait, Closed."""
        return await asyncio.wrap_future(self._submit(call))

    async def stoppable(self, call: Callable[[CancelToken], T]) -> T:
        """As ``run``, with a token that is set when the one who waits for it goes away."""
        cancel = threading.Event()
        try:
            return await self.run(lambda: call(cancel))
        except asyncio.CancelledError:
            cancel.set()
            raise

    def close(self) -> None:
        """What runs ends first; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        with self._lock:
            self.check()
            self._held += 1
        try:
            future = self._pool.submit(contextvars.copy_context().run, call)
        except RuntimeError:  # the pool was shut down
            self._done(None)
            raise Closed("The server is ending.") from None
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        with self._lock:
            self._held -= 1
