"""Runs of steps: both sides of a cell in processes of their own, in turns, each with its own best switches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alen.errors import WorkError

PRECISIONS = {"float32": ("float32",), "bfloat16": ("bfloat16", "autocast")}
"""What may be used where a number format is asked for: whole weights in it, or float32 weights and autocast."""


@dataclass(frozen=True, slots=True)
class Switches:
    """How a side is run."""

    side: str
    precision: str
    compile: bool

    def __str__(self) -> str:
        return f"{self.precision}{' compiled' if self.compile else ''}"


@dataclass(slots=True)
class Steps:
    """Seconds of the steps of one side, in order; ``value`` of the last; ``memory`` is the peak in bytes above what the
    process took before the model."""

    switches: Switches
    seconds: list[float] = field(default_factory=list)
    value: float = 0.0
    memory: int = 0

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))


class Worker:
    """A process that makes a step when told to."""

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, "-m", "alen.benchmark.step_worker", json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.step_names = self._read()["ready"]

    def step(self, name: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkError(
                f"A benchmark process ended with code {self._process.wait()}.", "See what it printed above."
            )
        return json.loads(line)


@contextmanager
def worker(**options: Any) -> Iterator[Worker]:
    made = Worker(**options)
    try:
        yield made
    finally:
        made.close()


def peak(dtype: str, threads: int, rounds: int = 5) -> float:
    """FLOP/s of a large matrix product: the best of a few rounds."""
    with worker(side="peak", dtype=dtype, threads=threads) as process:
        return max(process.step("gemm")["value"] for _ in range(rounds + 1))


def switches(side: str, dtype: str, compiled: Iterable[bool]) -> list[Switches]:
    return [Switches(side, precision, flag) for precision in PRECISIONS[dtype] for flag in compiled]


def compare(
    cell: dict[str, Any], step: str, choices: dict[str, list[Switches]], *, rounds: int, warm_up: int = 2
) -> dict[str, Steps]:
    """The best switches of each side are found by a few steps, then both sides take turns. Memory is that of a process
    which made this kind of step alone."""
    best = {
        side: min((_tried(cell, step, one, warm_up) for one in found), key=_fastest) for side, found in choices.items()
    }
    found = {side: Steps(tried.switches) for side, tried in best.items()}
    with ExitStack() as stack:
        running = {side: stack.enter_context(worker(**_options(cell, one.switches))) for side, one in found.items()}
        for number in range(warm_up + rounds):
            order = list(running) if number % 2 else list(reversed(running))
            for side in order:
                answer = running[side].step(step)
                if number >= warm_up:
                    found[side].seconds.append(answer["seconds"])
                found[side].value, found[side].memory = answer["value"], answer["memory"]
    return found


def _tried(cell: dict[str, Any], step: str, one: Switches, warm_up: int) -> Steps:
    found = Steps(one)
    with worker(**_options(cell, one)) as process:
        for number in range(warm_up + 3):
            seconds = process.step(step)["seconds"]
            if number >= warm_up:
                found.seconds.append(seconds)
    return found


def _fastest(steps: Steps) -> float:
    return min(steps.seconds)


def _options(cell: dict[str, Any], one: Switches) -> dict[str, Any]:
    return {**cell, "side": one.side, "precision": one.precision, "compile": one.compile}
