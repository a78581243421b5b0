"""How far a run is, on stderr: a bar with loss and speed on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alen.training.monitor import TrainingMonitor
from alen.training.watching import Show

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown(total: int | None) -> Iterator[Show]:
    """Yield what a ``Watching`` calls; ``total`` steps, or None where a run ends by the clock."""
    if sys.stderr.isatty():
        yield from _bar(total)
    else:
        yield from _lines(total)


def _figures(monitor: TrainingMonitor) -> str:
    parts = []
    if monitor.train_loss:
        parts.append(f"loss {monitor.train_loss[-1]:.3f}")
    if monitor.val_loss:
        parts.append(f"validation {monitor.val_loss[-1]:.3f}")
    if monitor.tokens_per_second:
        parts.append(f"{monitor.tokens_per_second[-1]:,.0f} tokens/s")
    return ", ".join(parts)


def _bar(total: int | None) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training"),
        BarColumn(bar_width=24, complete_style="green", finished_style="green", pulse_style="bright_black"),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[figures]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("training", total=total, figures="")

        def show(step: int, monitor: TrainingMonitor) -> None:
            bars.update(task, completed=step, figures=_figures(monitor))

        yield show


def _lines(total: int | None) -> Iterator[Show]:
    said = 0.0

    def show(step: int, monitor: TrainingMonitor) -> None:
        nonlocal said
        now = time.monotonic()
        if step == total or now - said >= SECONDS_BETWEEN_LINES:
            said = now
            of = f"/{total}" if total else ""
            print(f"step {step}{of}: {_figures(monitor)}", file=sys.stderr, flush=True)

    yield show
