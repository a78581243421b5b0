"""Progress on stderr: a bar on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alen.cli.printable import printable

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total)."""

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress_bar(*, unit_bytes: bool = False) -> Iterator[Progress]:
    """Yield a callback that shows progress. ``unit_bytes`` counts in megabytes."""
    if sys.stderr.isatty():
        yield from _bar(unit_bytes)
    else:
        yield from _lines()


@contextmanager
def progress_lines() -> Iterator[Progress]:
    """As ``progress_bar``, always in lines: beside a spinner, and for what seldom has anything to show."""
    yield from _lines()


def _bar(unit_bytes: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    amount = DownloadColumn() if unit_bytes else MofNCompleteColumn()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24, complete_style="green", finished_style="green", pulse_style="bright_black"),
        amount,
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)
        shown = ""

        def show(stage: str, done: int, total: int) -> None:
            nonlocal task, shown
            name = printable(stage, keep_lines=False)
            if name != shown:  # a new stage starts its own clock
                bars.remove_task(task)
                task, shown = bars.add_task(name, total=total or None), name
            bars.update(task, completed=done, total=total or None)

        yield show


def _lines() -> Iterator[Progress]:
    """A line when a stage begins and when it is done, and every few seconds between."""
    said: tuple[str, float] = ("", 0.0)

    def show(stage: str, done: int, total: int) -> None:
        nonlocal said
        name, now = printable(stage, keep_lines=False), time.monotonic()
        if name != said[0] or done == total or now - said[1] >= SECONDS_BETWEEN_LINES:
            said = (name, now)
            count = f"{done}/{total}" if total else str(done or "")
            print(f"{name} {count}".rstrip(), file=sys.stderr, flush=True)

    yield show


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """A sign of life on a terminal while something without a measure runs; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text, spinner="dots", spinner_style="dim"):
        yield
