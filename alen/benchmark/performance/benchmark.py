"""PerformanceBenchmark: latency, throughput and memory of a model over sizes of batches and lengths of sequences."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from alen.benchmark import machine
from alen.benchmark.harness import Report
from alen.benchmark.performance import step_memory
from alen.benchmark.performance.results import Latency, PerformanceResults, PerformanceRow
from alen.benchmark.performance.steps import STEPS, Step, make_step, work
from alen.benchmark.performance.subject import Model, Subject, subject_of
from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.describe import describe
from alen.neural.transformer import Transformer
from alen.training.guarding import is_out_of_memory
from alen.training.peak import measured, peak

Precision = Literal["float32", "bfloat16"]
Cell = tuple[Step, int, int]

MOST_TEXTS, MOST_TOKENS, MOST_ROUNDS = 2**16, 2**20, 10_000


@dataclass(frozen=True, slots=True)
class PerformanceBenchmark:
    """Each step of ``steps`` is made ``rounds`` times for each size and length: ``forward`` to the logits of every
    token without gradients, ``train`` forward, backward and the optimizer (AdamW).

    ``precision`` is that of the weights and of everything computed with them, by default the model's own. With
    ``compile`` steps go through torch.compile, for each size anew. Lists are taken too. Raises BadInput."""

    batch_sizes: Sequence[int] = (1, 4, 8)
    sequence_lengths: Sequence[int] = (128, 512)
    rounds: int = 5
    steps: Sequence[Step] = STEPS
    precision: Precision | None = None
    compile: bool = False

    def __post_init__(self) -> None:
        for name, most in (("batch_sizes", MOST_TEXTS), ("sequence_lengths", MOST_TOKENS)):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), most))
        _number("rounds", self.rounds, MOST_ROUNDS)
        object.__setattr__(self, "steps", _each_once("steps", self.steps, f"some of {', '.join(STEPS)}"))
        for step in self.steps:
            if step not in STEPS:
                raise BadInput("steps", repr(step), ", ".join(STEPS), "Leave it out to measure both.")
        if self.precision is not None and self.precision not in get_args(Precision):
            hint = "Leave it out for the model's own."
            raise BadInput("precision", repr(self.precision), ", ".join(get_args(Precision)), hint)

    @property
    def cells(self) -> list[Cell]:
        return list(itertools.product(self.steps, self.batch_sizes, self.sequence_lengths))

    def check(self, config: TransformerConfig) -> None:
        """Raises BadInput when a length is more than the model has positions for."""
        for length in self.sequence_lengths:
            if length > config.max_seq_len:
                allowed = f"at most {config.max_seq_len:,} for this model"
                raise BadInput("sequence_lengths", f"{length:,}", allowed, "Make it shorter.")

    def run(self, model: Model, report: Report | None = None) -> PerformanceResults:
        """Measure a copy of ``model`` where it lies, on a processor or a GPU; the model stays as it is. The name of a
        preset takes fresh weights, a path those that are there, both on a GPU where there is one. Of a language model
        the transformer in torch is measured, not the kernels that write in its place.

        ``report`` is called with a stage and how much of it is done. What does not fit into memory gets a row that says
        so. Raises BadInput before anything is computed, and what reading a model raises."""
        subject = subject_of(model)
        self.check(subject.config)
        step_memory.check_weights(subject.config, subject.device)
        rows = []
        devices = [subject.device] if subject.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.enable_grad():
            torch.default_generator.manual_seed(0)
            copy = subject.make().to(dtype=self.precision and getattr(torch, self.precision)).requires_grad_(True)
            fastest = _peak(copy)
            _load_libraries(copy, self.steps)
            for done, cell in enumerate(self.cells):
                if report is not None:
                    report("measuring", done, len(self.cells))
                rows.append(self._row(copy, cell, fastest))
        if report is not None:
            report("measuring", len(rows), len(rows))
        return _results(subject, copy, self.rounds, rows)

    def _row(self, model: Transformer, cell: Cell, fastest: float) -> PerformanceRow:
        step, batch, length = cell
        about: dict[str, Any] = {"step": step, "batch_size": batch, "sequence_length": length}
        about["switches"] = f"{_precision(model)}{' compiled' if self.compile else ''}"
        if not step_memory.fits(model, step, batch, length):
            return PerformanceRow(**about, error="out of memory")
        try:
            seconds, taken = self._measured(model, cell)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return PerformanceRow(**about, error="out of memory")
        finally:
            model.zero_grad(set_to_none=True)
        latency = Latency.of(seconds)
        speed = work(model.config, step, batch, length) / latency.median
        memory = None if taken is None else taken + _bytes(model)
        return PerformanceRow(**about, latency=latency, memory=memory, flops=speed, of_peak=speed / fastest)

    def _measured(self, model: Transformer, cell: Cell) -> tuple[list[float], int | None]:
        """Seconds of each round, and the bytes that a step takes above what was held before."""
        if self.compile:
            # Else a graph of the last size would serve this one, with sizes left open.
            torch.compiler.reset()
        device = model.embedding.weight.device
        before = step_memory.held(device)
        step = make_step(model, *cell, compiled=self.compile)
        # What is fetched and compiled in the first step, and kept in pieces after it, is not what a step needs.
        step()
        step_memory.held(device)
        step()
        most = step_memory.peak(device)
        seconds = [_timed(step, device) for _ in range(self.rounds)]
        return seconds, None if before is None or most is None else max(0, most - before)


def _timed(step: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _load_libraries(model: Transformer, steps: Sequence[Step]) -> None:
    """What the first step of a process takes for good is not the memory of a size."""
    for step in steps:
        make_step(model, step, 1, 1, compiled=False)()
        model.zero_grad(set_to_none=True)


def _peak(model: Transformer) -> float:
    weight = model.embedding.weight
    # On a processor it depends on the threads, so that what was measured before may not hold.
    return (peak if weight.device.type == "cuda" else measured)(weight.device.type, weight.dtype)


def _results(subject: Subject, model: Transformer, rounds: int, rows: list[PerformanceRow]) -> PerformanceResults:
    return PerformanceResults(
        model=subject.name,
        parameters=describe(model.config)["parameters"]["total"],
        device=str(subject.device),
        train="forward, backward and optimizer",
        rounds=rounds,
        machine={**machine.machine(), **machine.versions(("alen", "torch"))},
        rows=tuple(rows),
    )


def _precision(model: Transformer) -> str:
    return str(model.embedding.weight.dtype).removeprefix("torch.")


def _bytes(model: Transformer) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


def _numbers(name: str, given: Any, most: int) -> tuple[int, ...]:
    found = _each_once(name, given, f"whole numbers from 1 to {most:,}")
    for number in found:
        _number(name, number, most)
    return found


def _number(name: str, found: Any, most: int) -> None:
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
        raise BadInput(name, repr(found), f"whole numbers from 1 to {most:,}", "Correct it.")


def _each_once(name: str, given: Any, allowed: str) -> tuple[Any, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise BadInput(name, repr(given), f"a list of {allowed}", "Give at least one.")
    for again in _again(given):
        raise BadInput(name, f"{again!r} twice", "each once", "Leave one out.")
    return tuple(given)


def _again(given: Sequence[Any]) -> Iterator[Any]:
    return (each for place, each in enumerate(given) if each in given[:place])
