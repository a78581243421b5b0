"""Runs of steps: both sides of a cell in processes of their own, in turns, each with its own best switches."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from alen.errors import WorkError

SIDES = ("alen", "transformers")
TRIES = 2
CLEARLY = 1.1
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
    """Seconds of a step of one side by turn; ``value`` of the last; ``memory`` is the peak of the steps in bytes above
    what the process took before the model."""

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
        # Ctrl-C is for the one who asked: a session of its own keeps it, and a traceback, from the process.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait(self) -> list[str]:
        """The names of its steps, once the model is there. Raises WorkError when the process ended."""
        return list(self._read()["ready"])

    def step(self, name: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """At once, in the middle of a step."""
        self._process.kill()

    def close(self) -> None:
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()
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
        made.wait()
        yield made
    except KeyboardInterrupt:
        made.stop()
        raise
    finally:
        made.close()


def choose(cell: dict[str, Any], step: str, dtype: str, *, compiled: bool) -> dict[str, Switches]:
    """What is fastest for each side: first which number format, then whether compiling helps."""
    found: dict[str, Switches] = {}
    for side in SIDES:
        if not compiled and len(PRECISIONS[dtype]) == 1:
            found[side] = Switches(side, PRECISIONS[dtype][0], False)
            continue
        eager = [_tried(cell, step, Switches(side, precision, False)) for precision in PRECISIONS[dtype]]
        # The first holds its weights in half the memory, and gives way only to what is clearly faster.
        fastest = min(eager, key=lambda one: _fastest(one) * (1 if one is eager[0] else CLEARLY))
        if compiled:
            fastest = min(fastest, _tried(cell, step, replace(fastest.switches, compile=True)), key=_fastest)
        found[side] = fastest.switches
    return found


def compare(
    cell: dict[str, Any], step: str, dtype: str, best: dict[str, Switches], *, rounds: int
) -> tuple[dict[str, Steps], float]:
    """The turns of both sides and the FLOP/s of a large matrix product.

    The sides and the product take turns, so that all three see the same machine. Memory is that of a process which
    made this kind of step alone."""
    found = {side: Steps(one) for side, one in best.items()}
    peaks: list[float] = []
    with ExitStack() as stack:
        product = stack.enter_context(worker(side="peak", dtype=dtype, threads=cell["threads"]))
        running = {side: stack.enter_context(worker(**_options(cell, one))) for side, one in best.items()}
        for number in range(1 + rounds):
            for side in SIDES if number % 2 else SIDES[::-1]:
                answer = running[side].step(step)
                if number:
                    found[side].seconds.append(answer["seconds"])
                found[side].value, found[side].memory = answer["value"], answer["memory"]
            peaks.append(product.step("gemm")["value"])
    return found, float(np.median(peaks[1:]))


def check_same(found: dict[str, Steps], dtype: str) -> None:
    """Raises WorkError unless both sides computed the same thing: the comparison means nothing then."""
    ours, theirs = (found[side].value for side in SIDES)
    if not math.isclose(ours, theirs, rel_tol=1e-3 if dtype == "float32" else 0.05):
        raise WorkError(f"ALEN computed {ours}, transformers {theirs}.", "Tell us, with the versions of both.")


def _tried(cell: dict[str, Any], step: str, one: Switches) -> Steps:
    found = Steps(one)
    with worker(**_options(cell, one)) as process:
        process.step(step)
        found.seconds = [process.step(step)["seconds"] for _ in range(TRIES)]
    return found


def _fastest(steps: Steps) -> float:
    return min(steps.seconds)


def _options(cell: dict[str, Any], one: Switches) -> dict[str, Any]:
    return {**cell, "side": one.side, "precision": one.precision, "compile": one.compile}
