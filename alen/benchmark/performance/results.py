"""What PerformanceBenchmark finds: rows, and ways to read them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, computed_field

from alen.benchmark.performance import pictures
from alen.benchmark.performance.steps import Step
from alen.text.strict_json import json_line

WIDTH = 80
HEADINGS = ("step", "batch", "length", "ms", "p25–p75", "tokens/s", "MiB", "FLOP/s", "of\npeak")
REPORT = "performance.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Latency(_Frozen):
    """Seconds of one step, over ``n`` rounds."""

    median: float
    p25: float
    p75: float
    p95: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        p25, median, p75, p95 = map(float, np.quantile(seconds, (0.25, 0.5, 0.75, 0.95)))
        return cls(median=median, p25=p25, p75=p75, p95=p95, n=len(seconds))


class PerformanceRow(_Frozen):
    """One step at one size. ``memory`` is the peak in bytes, the weights of the model among them; ``flops`` are
    operations a second, ``of_peak`` their share of what a large matrix product reaches there. What could not be
    measured is None, and ``error`` says why. ``switches`` tell the number format, and whether it was compiled."""

    step: Step
    batch_size: int
    sequence_length: int
    switches: str
    latency: Latency | None = None
    memory: int | None = None
    flops: float | None = None
    of_peak: float | None = None
    error: str | None = None

    @computed_field  # type: ignore[prop-decorator]  # of pydantic, over a property as it wants it
    @property
    def throughput(self) -> float | None:
        """Tokens a second, by the median."""
        return None if self.latency is None else self.batch_size * self.sequence_length / self.latency.median


class PerformanceResults(_Frozen):
    """``train`` says what a training step was made of; ``machine`` where it was measured, and with which versions."""

    model: str
    parameters: int
    device: str
    train: str
    rounds: int
    machine: dict[str, Any]
    rows: tuple[PerformanceRow, ...]

    def row(self, batch_size: int, sequence_length: int, step: Step = "forward") -> PerformanceRow:
        """Raises KeyError for what was not measured."""
        return {(row.batch_size, row.sequence_length, row.step): row for row in self.rows}[
            batch_size, sequence_length, step
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: seconds, tokens a second, bytes."""
        return self.model_dump(mode="json")

    def table(self) -> str:
        """Plain text, 80 columns wide."""
        return plain_table(f"{self.title}, {self.switches}", HEADINGS, [_cells(row) for row in self.rows])

    def save(self, folder: str | Path) -> None:
        """Write ``performance.json`` and the pictures ``latency.png``, ``throughput.png`` and ``memory.png``. Raises
        WorkError, before anything is written, when matplotlib is not installed."""
        write_report(Path(folder), {"alen": self}, self.to_dict())

    @property
    def switches(self) -> str:
        """Those of all rows."""
        return ", ".join(dict.fromkeys(row.switches for row in self.rows))

    @property
    def title(self) -> str:
        count = self.machine.get("threads")
        threads = f" with {count} thread{'' if count == 1 else 's'}" if self.device == "cpu" and count else ""
        return f"{self.model}, {self.parameters:,} parameters, {self.device}{threads}"

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in self.rows)
        return f"<table><caption>{escape(self.title)}</caption><tr>{head}</tr>{body}</table>"


def plain_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    out = StringIO()
    Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines()) + "\n"


def write_report(folder: Path, sides: dict[str, PerformanceResults], value: dict[str, Any]) -> None:
    """``value`` as JSON, and pictures of all sides. Raises WorkError when matplotlib is not installed."""
    pictures.check()
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{REPORT}.part"
    half.write_text(json_line(value) + "\n", "utf-8")
    os.replace(half, folder / REPORT)
    pictures.draw({name: side.rows for name, side in sides.items()}, folder)


def _cells(row: PerformanceRow) -> tuple[str, ...]:
    about = (row.step, str(row.batch_size), str(row.sequence_length))
    if row.latency is None:
        return (*about, "–", row.error or "", "–", "–", "–", "–")
    times = row.latency
    return (
        *about,
        _milliseconds(times.median),
        f"{_milliseconds(times.p25)}–{_milliseconds(times.p75)}",
        f"{row.throughput:,.0f}",
        "–" if row.memory is None else f"{row.memory / 2**20:,.0f}",
        "–" if row.flops is None else _with_prefix(row.flops),
        "–" if row.of_peak is None else f"{100 * row.of_peak:.0f} %",
    )


def _milliseconds(seconds: float) -> str:
    found = 1000 * seconds
    return f"{found:.2f}" if found < 10 else f"{found:.1f}" if found < 100 else f"{found:,.0f}"


def _with_prefix(number: float) -> str:
    """17.1 G, 900 T."""
    prefix, unit = next((each for each in (("T", 1e12), ("G", 1e9)) if number >= each[1]), ("M", 1e6))
    found = number / unit
    return f"{found:.{2 if found < 10 else 1 if found < 100 else 0}f} {prefix}"
