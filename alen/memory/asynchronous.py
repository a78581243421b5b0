"""Memory from asyncio: the same methods, awaited, each in a thread of its own so that the loop goes on."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alen.memory.episodic import EpisodicMemory


class AsyncMemory:
    """``await memory.aio.recall(…)`` is ``memory.recall(…)`` without holding up the loop. What a cancelled call was
    doing is still finished, as a commit cannot be half done."""

    def __init__(self, memory: EpisodicMemory) -> None:
        self._memory = memory

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._memory, name)
        if name.startswith("_") or not callable(method):
            raise AttributeError(f"{name} is not a method of EpisodicMemory; read it from the memory itself")

        @functools.wraps(method)
        async def awaited(*args: Any, **options: Any) -> Any:
            return await asyncio.to_thread(method, *args, **options)

        return awaited

    async def __aenter__(self) -> AsyncMemory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._memory.close)
