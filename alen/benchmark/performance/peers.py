"""The same sizes beside transformers: each side in a process of its own, with its own best switches, in turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from alen.benchmark import machine
from alen.benchmark.harness import Report
from alen.benchmark.performance import step_memory
from alen.benchmark.performance.benchmark import Cell, PerformanceBenchmark
from alen.benchmark.performance.results import Latency, PerformanceResults, PerformanceRow, plain_table
from alen.benchmark.schema import Measured
from alen.benchmark.step_models import MODELS, work
from alen.benchmark.stepping import SIDES, Steps, Switches, check_same, choose, compare
from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.describe import describe, parameters_by_part
from alen.neural.presets import preset
from alen.validation.intervals import ratio_of_medians

HEADINGS = ("step", "batch", "length", "tokens/s", "theirs", "ratio", "95 %", "MiB", "theirs")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``ratios`` are ours over theirs, one for each row: of ``throughput`` with its interval, and of ``memory``."""

    ours: PerformanceResults
    theirs: PerformanceResults
    ratios: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        return {"ours": self.ours.to_dict(), SIDES[1]: {**self.theirs.to_dict(), "ratios": list(self.ratios)}}

    def table(self) -> str:
        """Plain text; the ratio is of tokens a second, ours to theirs."""
        rows: list[tuple[str, ...]] = []
        for ours, theirs, ratio in zip(self.ours.rows, self.theirs.rows, self.ratios, strict=True):
            speeds = ["–" if row.throughput is None else f"{row.throughput:,.0f}" for row in (ours, theirs)]
            found = ratio["throughput"]
            told = (
                (f"{found['value']:.2f}", f"{found['low']:.2f} … {found['high']:.2f}")
                if found
                else ("–", ours.error or "")
            )
            sizes = ["–" if row.memory is None else f"{row.memory / 2**20:,.0f}" for row in (ours, theirs)]
            rows.append((ours.step, str(ours.batch_size), str(ours.sequence_length), *speeds, *told, *sizes))
        sides = (f"{side} ({found.switches})" for side, found in zip(SIDES, (self.ours, self.theirs), strict=True))
        return plain_table(f"{self.ours.title}\n{' beside '.join(sides)}", HEADINGS, rows)


def check(model: str, benchmark: PerformanceBenchmark) -> None:
    """Raises BadInput for a model that is not known on both sides, or a length that is too much for it."""
    if model not in MODELS:
        allowed = f"{', '.join(MODELS)}: the models that are known on both sides"
        raise BadInput("model", repr(model), allowed, "Choose one of them, or leave out what it is compared with.")
    benchmark.check(preset(model))


def run(model: str, benchmark: PerformanceBenchmark, *, threads: int = 0, report: Report | None = None) -> Comparison:
    """Without dropout; a training step is forward and backward. Each side may be compiled where ``benchmark.compile``
    says so and it is faster; of bfloat16 it takes whole weights or autocast. ``threads`` 0 leaves torch's default.
    Raises BadInput, and WorkError when a process fails or both sides do not compute the same."""
    check(model, benchmark)
    dtype = benchmark.precision or "float32"
    best: dict[str, dict[str, Switches]] = {}
    found: list[tuple[PerformanceRow, PerformanceRow, dict[str, Any]]] = []
    for done, cell in enumerate(benchmark.cells):
        if report is not None:
            report("comparing", done, len(benchmark.cells))
        step, batch, length = cell
        if not _fit(preset(model), cell):
            found.append((_out_of_memory(cell, dtype), _out_of_memory(cell, dtype), _ratios(cell, None)))
            continue
        given = {"model": model, "batch": batch, "time": length, "threads": threads}
        if step not in best:
            # Taken at the other sizes too: trying and compiling take most of the time.
            best[step] = choose(given, step, dtype, compiled=benchmark.compile)
        sides, fastest = compare(given, step, dtype, best[step], rounds=benchmark.rounds)
        check_same(sides, dtype)
        ours, theirs = (_row(model, cell, sides[side], fastest) for side in SIDES)
        found.append((ours, theirs, _ratios(cell, sides)))
    if report is not None:
        report("comparing", len(found), len(found))
    rows_of_ours, rows_of_theirs, ratios = zip(*found, strict=True)
    about: dict[str, Any] = {
        "model": model,
        "parameters": describe(preset(model))["parameters"]["total"],
        "device": "cpu",
        "train": "forward and backward",
        "rounds": benchmark.rounds,
        "machine": {**machine.machine(), **machine.versions(("alen", "torch", "transformers"))},
    }
    return Comparison(
        PerformanceResults(**about, rows=rows_of_ours), PerformanceResults(**about, rows=rows_of_theirs), ratios
    )


def _fit(config: TransformerConfig, cell: Cell) -> bool:
    """Two processes hold their models at a time; theirs keeps logits, their float32 and their gradient."""
    _, batch, length = cell
    room = step_memory.available(torch.device("cpu"))
    sides = 2 * (4 * sum(parameters_by_part(config).values()) + step_memory.expected(config, *cell, 4))
    return room is None or sides + 3 * 4 * batch * length * config.vocab_size <= room


def _row(model: str, cell: Cell, steps: Steps, fastest: float) -> PerformanceRow:
    latency = Latency.of(steps.seconds)
    speed = work(model, *cell) / latency.median
    return PerformanceRow(
        **_about(cell),
        switches=str(steps.switches),
        latency=latency,
        memory=steps.memory,
        flops=speed,
        of_peak=speed / fastest,
    )


def _out_of_memory(cell: Cell, dtype: str) -> PerformanceRow:
    return PerformanceRow(**_about(cell), switches=dtype, error="out of memory")


def _ratios(cell: Cell, sides: dict[str, Steps] | None) -> dict[str, Any]:
    if sides is None:
        return {**_about(cell), "throughput": None, "memory": None}
    ours, theirs = (sides[side] for side in SIDES)
    speed = Measured.of(ratio_of_medians(theirs.seconds, ours.seconds)).model_dump()
    return {**_about(cell), "throughput": speed, "memory": ours.memory / max(1, theirs.memory)}


def _about(cell: Cell) -> dict[str, Any]:
    return dict(zip(("step", "batch_size", "sequence_length"), cell, strict=True))
