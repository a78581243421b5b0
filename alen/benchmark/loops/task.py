"""What every loop trains, the rows it reads, and how it is timed: it waits at a gate every so many steps.

Imports no more than torch and numpy: it runs in the environments of others too.

Axes: B batch, T time, V words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

Logits = Callable[[Tensor], Tensor]
"""Of tokens (B, T) the logits (B, T, V)."""

_HELD_OUT_BATCH = 16


@dataclass(frozen=True, slots=True)
class Task:
    """The shape of the model, the length of the run and its switches. ``tokens`` and ``held_out`` are ``.npy`` files of
    token numbers; ``precision`` is float32 or mixed (autocast to bfloat16); ``work`` a folder for what a loop writes.
    ``optimizer`` and ``matrix_rate`` are of ALEN's loops alone: others take AdamW, and one rate for all parameters.
    With ``every`` 0 there is no gate."""

    width: int
    layers: int
    heads: int
    hidden: int
    vocabulary: int
    length: int
    batch: int
    steps: int
    tokens: str
    work: str
    held_out: str = ""
    optimizer: str = "adamw"
    rate: float = 1e-3
    matrix_rate: float = 1e-3
    floor: float = 0.1
    warm_up: int = 1
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    seed: int = 0
    precision: str = "float32"
    compile: bool = False
    threads: int = 0
    every: int = 0

    @classmethod
    def read(cls, text: str) -> Task:
        found: dict[str, Any] = json.loads(text)
        return cls(**{**found, "betas": tuple(found.get("betas", (0.9, 0.95)))})

    def factor(self, step: int) -> float:
        """The learning rate of a step, as a factor of its peak: a line up, half a cosine down."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        gone = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up - 1))
        return self.floor + (1 - self.floor) * 0.5 * (1 + float(np.cos(np.pi * gone)))


class Rows(Dataset[Tensor]):
    """Row ``n`` is a window of ``length + 1`` tokens, the same in every loop. Reading the first row of a block of
    ``every`` steps says so on ``out`` and waits for a line on stdin."""

    def __init__(self, task: Task, out: Any = None) -> None:
        self.task, self._out = task, out or sys.stdout
        self._tokens = np.load(task.tokens, mmap_mode="r")
        generator = np.random.default_rng(task.seed)
        self._starts = generator.integers(0, len(self._tokens) - task.length, task.steps * task.batch)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> Tensor:
        if not 0 <= number < len(self):
            raise IndexError(number)
        if self.task.every and number % (self.task.every * self.task.batch) == 0:
            self._wait(number // self.task.batch)
        start = self._starts[number]
        return torch.from_numpy(np.asarray(self._tokens[start : start + self.task.length + 1], dtype=np.int64))

    def __reduce__(self) -> Any:
        """A copy has a gate of its own: what a loop saves of its data cannot hold a pipe."""
        return Rows, (self.task,)

    def step(self, number: int) -> Tensor:
        """The rows of a step, (B, T + 1)."""
        first = number * self.task.batch
        return torch.stack([self[row] for row in range(first, first + self.task.batch)])

    def _wait(self, steps: int) -> None:
        say(self._out, steps=steps)
        if not sys.stdin.readline():
            raise SystemExit(0)


def say(out: Any, **told: Any) -> None:
    """One line of JSON."""
    out.write(json.dumps(told) + "\n")
    out.flush()


@torch.inference_mode()
def held_out_loss(logits: Logits, task: Task) -> float:
    """Nats a token of the text held out, over windows side by side."""
    tokens = torch.from_numpy(np.load(Path(task.held_out)).astype(np.int64))
    size = task.length
    windows = tokens[: (len(tokens) - 1) // size * size + 1].unfold(0, size + 1, size)
    nats = 0.0
    for rows in windows.split(_HELD_OUT_BATCH):
        found_NV = logits(rows[:, :-1]).float().flatten(0, 1)
        nats += torch.nn.functional.cross_entropy(found_NV, rows[:, 1:].flatten(), reduction="sum").item()
    return nats / (len(windows) * size)
