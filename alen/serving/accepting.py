"""Connections of one port, spread evenly over the workers that listen there. Left to the system, whichever wakes first
takes all that came together, and keeps them for as long as they stay open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableSequence
from contextlib import suppress
from socket import socket

PATIENCE_SECONDS = 0.002
"""That a worker waits for each connection that it has more than another, so that the other one may come first."""

_LONGEST = 10
NOBODY = -1
"""In the place of a worker that does not listen."""


class EvenDoor:
    """Stands where uvicorn has a server of asyncio. ``opened`` counts connections by worker, in memory that all workers
    share; ``count`` tells this one's. Starts within a running loop."""

    def __init__(
        self,
        taken: socket,
        protocol: Callable[[], asyncio.Protocol],
        count: Callable[[], int],
        opened: MutableSequence[int],
        number: int,
        backlog: int,
    ) -> None:
        self._taken, self._protocol, self._count = taken, protocol, count
        self._opened, self._number = opened, number
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[object]] = set()
        taken.setblocking(False)
        taken.listen(backlog)
        opened[number] = 0
        self._loop.add_reader(taken, self._someone_came)

    def close(self) -> None:
        """Nobody comes in any more; who is in stays."""
        self._opened[self._number] = NOBODY
        self._loop.remove_reader(self._taken)
        if self._timer is not None:
            self._timer.cancel()

    async def wait_closed(self) -> None:
        """As a server of asyncio has it."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _someone_came(self) -> None:
        own = self._opened[self._number] = self._count() + len(self._under_way)
        more = own - min(count for count in self._opened if count != NOBODY)
        if more <= 0:
            self._accept()
            return
        self._loop.remove_reader(self._taken)
        self._timer = self._loop.call_later(PATIENCE_SECONDS * min(more, _LONGEST), self._waited)

    def _waited(self) -> None:
        """Whoever is still there now is let in: the others have no time."""
        self._accept()
        self._loop.add_reader(self._taken, self._someone_came)

    def _accept(self) -> None:
        with suppress(OSError):  # another worker was quicker, or who came has gone
            came, _ = self._taken.accept()
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, came))
            self._under_way.add(task)
            task.add_done_callback(self._let_in)

    def _let_in(self, task: asyncio.Task[object]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # who has gone before it was in is nobody's concern
        self._opened[self._number] = self._count() + len(self._under_way)
