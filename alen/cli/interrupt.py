"""Ctrl-C as a request: the first one stops the work within a token, the second one ends the command at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from alen.cli.output import say


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Yield a cancel token that the first Ctrl-C sets. Outside the main thread, where signals cannot be handled, the
    token is simply never set by it."""
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        say("stopping (Ctrl-C again ends at once)")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
