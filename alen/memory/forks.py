"""A fork beside threads that are inside of a database: the child inherits the locks that they hold, SQLite's own among
them, and nobody gives these back. It also inherits connections, which may be neither used nor closed there
(sqlite.org/howtocorrupt.html, section 2.6). So a fork waits for the transactions of other threads, lets no new one
begin, and closes what is idle."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from weakref import WeakMethod

_LOGGER = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
"""Then the fork goes on as it would have without this: whoever is inside may be waiting for the thread that forks."""

_changed = threading.Condition()
_own = threading.local()
_inside = _forking = 0
_rests: list[WeakMethod[Callable[[], None]]] = []


class _Passing:
    """A class and no generator: every recall goes through it."""

    def __enter__(self) -> None:
        global _inside
        depth = _depth()
        with _changed:
            while _forking and not depth:
                _changed.wait()
            _inside += 1
        _own.depth = depth + 1

    def __exit__(self, *error: object) -> None:
        global _inside
        _own.depth -= 1
        with _changed:
            _inside -= 1
            if _forking:
                _changed.notify_all()


passing = _Passing()
"""Around everything that is done with a database."""


def before_each(rest: Callable[[], None]) -> None:
    """Call a method, which closes idle connections, before every fork for as long as its owner lives."""
    with _changed:
        _rests[:] = [known for known in _rests if known() is not None]
        _rests.append(WeakMethod(rest))


def _depth() -> int:
    return getattr(_own, "depth", 0)


def _before() -> None:
    global _forking
    # Held until the fork is over, so that the child can give it back.
    _changed.acquire()
    _forking += 1
    until = time.monotonic() + WAIT_SECONDS
    while _inside > _depth() and time.monotonic() < until:
        _changed.wait(0.1)
    if _inside > _depth():
        _LOGGER.warning("A fork beside a transaction that does not end: the child may hang when it uses a memory.")
        return
    for known in _rests:
        rest = known()
        if rest is not None:
            rest()


def _after() -> None:
    global _forking
    _forking -= 1
    _changed.notify_all()
    _changed.release()


def _after_in_child() -> None:
    global _inside, _forking
    _inside, _forking = _depth(), 1  # the other threads are gone
    _after()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
