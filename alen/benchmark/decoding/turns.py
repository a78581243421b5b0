"""Sides in turns: every round each of them does the same work, and ratios are taken round by round."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alen.benchmark.harness import in_turns
from alen.errors import WorkError

Report = Any


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to be timed: ``kind`` of work, its arguments for each round, and the tokens it is counted by. Sides in
    ``without`` have no part in it."""

    name: str
    kind: str
    rounds: Sequence[dict[str, Any]]
    tokens: int
    without: Sequence[str] = ()


@dataclass(slots=True)
class Timed:
    """Tokens a second by side and round, and what the side said of the last round."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)

    def median(self, side: str) -> float:
        return float(np.median(self.rates[side]))

    def ratios(self, side: str, other: str) -> np.ndarray:
        return np.array(self.rates[side]) / np.array(self.rates[other])


class Process:
    def __init__(self, side: str, file: str, threads: int) -> None:
        command = [sys.executable, "-m", "alen.benchmark.decoding.sides", side, file, str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._side = side

    def tell(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """What it says next; other programs may print lines of their own."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise WorkError(f"{self._side} ended with code {self._process.wait()}.", "Run it alone to see why.")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def processes(files: Mapping[str, str], threads: int) -> Iterator[dict[str, Process]]:
    """One for each of ``files``: the side's name, ``@`` and a label may follow, and its model."""
    with ExitStack() as stack:
        made = {}
        for name, file in files.items():
            made[name] = Process(name.split("@")[0], file, threads)
            stack.callback(made[name].close)
        for process in made.values():
            process.answer()
        yield made


def measure(made: Mapping[str, Process], works: Sequence[Work], report: Report) -> dict[str, Timed]:
    """Every work, round by round, side by side; the first round warms up and does not count."""
    found = {}
    for work in works:
        sides = [name for name in made if name not in work.without]
        found[work.name] = Timed({name: [] for name in sides})
        for number, name in in_turns(len(work.rounds), sides):
            told = made[name].tell({"work": work.kind, **work.rounds[number]})
            if number:
                found[work.name].rates[name].append(work.tokens / told["seconds"])
                found[work.name].last[name] = told
            report(work.name, number, len(work.rounds) - 1)
    return found
