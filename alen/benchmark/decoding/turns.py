"""Sides in turns: every round each of them does the same work, and ratios are taken round by round."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alen.benchmark.harness import Report, in_turns
from alen.benchmark.schema import Measured
from alen.errors import WorkError
from alen.validation.intervals import ratio_of_medians


@dataclass(frozen=True, slots=True)
class Room:
    """What a side must have room for: ``texts`` at once, each of ``tokens`` with its prompt."""

    texts: int = 8
    tokens: int = 2048


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

    def ratio(self, side: str, other: str) -> Measured:
        """Tokens a second over those of another side, with the interval over rounds."""
        return Measured.of(ratio_of_medians(self.rates[side], self.rates[other]))


class Process:
    """A side in a process of its own. ``about`` is what it said of itself once it was ready."""

    def __init__(self, side: str, file: str, threads: int, room: Room) -> None:
        numbers = [str(number) for number in (threads, room.texts, room.tokens)]
        command = [sys.executable, "-m", "alen.benchmark.decoding.sides", side, file, *numbers]
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 ``close`` does it
        # Ctrl-C is for the one who asked: a session of its own keeps it from the process.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._side = side
        self.about: dict[str, Any] = {}

    def tell(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # what it does not answer then says how it ended
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """What it says next; other programs may print lines of their own."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        code = self._process.wait()
        self._log.seek(0)
        said = self._log.read().strip().splitlines()
        raise WorkError(f"{self._side} ended with code {code}.", said[-1][:300] if said else "It did not say why.")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                with suppress(BrokenPipeError):
                    end.close()
        self._log.close()


@contextmanager
def processes(files: Mapping[str, str], threads: int, room: Room | None = None) -> Iterator[dict[str, Process]]:
    """One for each of ``files``: the side's name, ``@`` and a label may follow, and its model. Raises WorkError with
    the last line of what it wrote when one of them ends."""
    with ExitStack() as stack:
        made = {}
        for name, file in files.items():
            made[name] = Process(name.split("@")[0], file, threads, room or Room())
            stack.callback(made[name].close)
        for process in made.values():
            process.about = process.answer()
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
