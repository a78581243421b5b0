"""Runs of training loops: timed in turns between their gates, or each to its end for what it has learnt."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from alen.benchmark.loops.task import Task
from alen.benchmark.machine import ROOT
from alen.benchmark.memory_process import environment
from alen.benchmark.stepping import worker
from alen.errors import WorkError

LITGPT = ("litgpt==0.5.13", "numpy==2.4.6")
LOOPS = {name: f"{name}_loop" for name in ("alen", "bare", "trainer", "litgpt", "nanogpt")}
RIVALS = ("trainer", "litgpt", "nanogpt")
TRIES = 2


@dataclass(frozen=True, slots=True)
class Switches:
    """How a loop is run."""

    precision: str = "float32"
    compile: bool = False

    def __str__(self) -> str:
        return f"{self.precision}{' compiled' if self.compile else ''}"


@dataclass(slots=True)
class Timed:
    """Seconds a step by turn, and the peak of memory in bytes."""

    switches: Switches
    seconds: list[float]
    memory: int = 0


class Loop:
    """A process that trains until its next gate when it is told to. ``place`` holds environments of others."""

    def __init__(self, name: str, task: Task, place: Path) -> None:
        self.name = name
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            self._log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))
            self._held = stack.pop_all()
        told = json.dumps(asdict(replace(task, work=folder)))
        interpreter, variables = _interpreter(name, place)
        self._process = subprocess.Popen(
            [str(interpreter), "-W", "ignore", "-m", "alen.benchmark.loops.worker", LOOPS[name], told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=variables,
        )

    def said(self) -> dict[str, Any]:
        """The next line. Raises WorkError when the process ended."""
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            found: dict[str, Any] = json.loads(line)
            return found
        code = self._process.wait()
        self._log.seek(0)
        raise WorkError(f"The loop of {self.name} ended with code {code}.", self._log.read()[-500:])

    def block(self) -> float:
        """Seconds until the next gate."""
        assert self._process.stdin is not None
        started = time.perf_counter()
        self._process.stdin.write("on\n")
        self._process.stdin.flush()
        self.said()
        return time.perf_counter() - started

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Ends the process after so many, and with it what waits for it."""
        over = threading.Event()

        def end() -> None:
            over.set()
            self._process.kill()

        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), end)
        timer.start()
        try:
            yield
        except (WorkError, OSError):
            if not over.is_set():
                raise
        finally:
            timer.cancel()

    def memory(self) -> int:
        """The peak in bytes, where the system tells."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
        return 0

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()
        self._held.close()


def best_switches(name: str, task: Task, place: Path) -> Switches:
    """What is fastest: first which number format, then whether compiling helps; LitGPT always compiles."""
    always = name == "litgpt"
    plain, mixed = Switches("float32", always), Switches("mixed", always)
    started = time.perf_counter()
    found = {plain: fastest(name, task, plain, place)}
    # A processor without bfloat16 takes minutes for a step of it.
    found[mixed] = fastest(name, task, mixed, place, limit=2 * (time.perf_counter() - started))
    best = min(found, key=lambda one: found[one])
    if not always:
        compiled = replace(best, compile=True)
        if fastest(name, task, compiled, place) < found[best]:
            return compiled
    return best


def in_turns(
    task: Task, switches: Mapping[str, Switches], place: Path, *, rounds: int
) -> tuple[dict[str, Timed], float]:
    """Every loop from gate to gate in turns with the others and with a large matrix product, whose FLOP/s come second:
    in bfloat16 where that is fastest for any loop. All see the same machine."""
    names: Sequence[str] = list(switches)
    dtype = "bfloat16" if any(one.precision == "mixed" for one in switches.values()) else "float32"
    found = {name: Timed(one, []) for name, one in switches.items()}
    peaks: list[float] = []
    with ExitStack() as stack:
        product = stack.enter_context(worker(side="peak", dtype=dtype, threads=task.threads))
        loops = {}
        for name, one in switches.items():
            loops[name] = Loop(name, _with(task, one), place)
            stack.callback(loops[name].close)
            loops[name].said()
            loops[name].block()
        for turn in range(rounds):
            for name in names if turn % 2 else names[::-1]:
                found[name].seconds.append(loops[name].block() / task.every)
            peaks.append(float(product.step("gemm")["value"]))
        for name, loop in loops.items():
            found[name].memory = loop.memory()
    return found, sorted(peaks)[len(peaks) // 2]


def to_the_end(name: str, task: Task, one: Switches, place: Path) -> tuple[float, float]:
    """Nats a token of the text held out after the whole run, and its seconds, starting included."""
    started = time.perf_counter()
    loop = Loop(name, replace(_with(task, one), every=0), place)
    try:
        return float(loop.said()["loss"]), time.perf_counter() - started
    finally:
        loop.close()


def _with(task: Task, one: Switches) -> Task:
    return replace(task, precision=one.precision, compile=one.compile)


def fastest(name: str, task: Task, one: Switches, place: Path, *, limit: float = math.inf) -> float:
    """Seconds of a step; infinite for a loop that is not done with its tries after ``limit`` seconds."""
    with contextlib.closing(Loop(name, replace(_with(task, one), every=1), place)) as loop, loop.within(limit):
        loop.said()
        loop.block()
        return min(loop.block() for _ in range(TRIES))
    return math.inf


def _interpreter(name: str, place: Path) -> tuple[Path, dict[str, str]]:
    """A loop of others sees its own environment, and of ALEN the few lines that time it."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if name != "litgpt":
        return Path(sys.executable), variables
    return environment(place / name, (f"torch=={torch.__version__.partition('+')[0]}", *LITGPT)), variables
