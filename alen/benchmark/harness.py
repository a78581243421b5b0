"""Fair timing: participants take turns in short blocks, so that a busy machine slows all of them alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

T = TypeVar("T")
Report = Callable[[str, int, int], None]


def spread(values: ArrayLike) -> dict[str, float]:
    """Median, quartiles, deciles and number of the values; empty when there are none."""
    column = np.asarray(values, dtype=np.float64)
    if not column.size:
        return {}
    names = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9}
    found = {name: round(float(np.quantile(column, share)), 6) for name, share in names.items()}
    return found | {"n": int(column.size)}


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What ``work`` returns, and its seconds."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def blocks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Consecutive pieces of ``size``, the last one shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_turns(count: int, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(round, name) for ``count`` rounds; who begins changes every round, so that no one always runs on warm caches."""
    for turn in range(count):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            yield turn, name


@contextmanager
def progress() -> Iterator[Report]:
    """A bar a stage on stderr, called as ``report(stage, done, total)``; plain lines when stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


class _PlainLines:
    """A line each time another tenth of a stage is done."""

    def __init__(self) -> None:
        self._tenths: dict[str, int] = {}
        self._started = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if self._tenths.get(stage) != tenth:
            self._tenths[stage] = tenth
            seconds = time.monotonic() - self._started
            print(f"{seconds:7.0f} s  {stage}: {done} of {total}", file=sys.stderr, flush=True)
