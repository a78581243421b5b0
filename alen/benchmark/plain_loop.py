"""A training loop as short as a teacher would write it, for comparison: GPT-2's layers over characters, AdamW, a
cosine, random windows (after Karpathy's nanoGPT, whose README gives these sizes for a processor).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alen.benchmark.loops.plain_model import PlainModel

LAYERS, HEADS, WIDTH = 4, 4, 128
LENGTH, BATCH = 64, 12
RATE, FLOOR, WARM_UP = 1e-3, 1e-4, 100
BETAS = (0.9, 0.99)
_HELD_OUT_BATCH = 64


@dataclass(frozen=True, slots=True)
class Trained:
    """``bits_per_byte`` are of the held-out text, ``parameters`` those of the model."""

    bits_per_byte: float
    steps: int
    tokens: int
    seconds: float
    parameters: int


def train(text: str, held_out: str, seconds: float, report: Callable[[int, int], None], seed: int = 0) -> Trained:
    """On ``text`` for so many ``seconds``; the schedule goes by the clock."""
    torch.manual_seed(seed)
    characters = sorted(set(text + held_out))
    number = {character: place for place, character in enumerate(characters)}
    tokens = torch.tensor([number[character] for character in text])
    model = PlainModel(len(characters), WIDTH, LAYERS, HEADS, LENGTH)
    optimizer = model.optimizer(RATE, BETAS)
    begun, step = time.perf_counter(), 0
    while (gone := (time.perf_counter() - begun) / seconds) < 1:
        rate = FLOOR + (RATE - FLOOR) * 0.5 * (1 + math.cos(math.pi * gone))
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP)
        starts = torch.randint(len(tokens) - LENGTH - 1, (BATCH,))
        rows = torch.stack([tokens[start : start + LENGTH + 1] for start in starts.tolist()])
        loss = model(rows[:, :-1], rows[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            report(int(100 * gone), 100)
    taken = time.perf_counter() - begun
    held = torch.tensor([number[character] for character in held_out])
    bits = _surprise(model, held) / math.log(2) * len(held_out) / len(held_out.encode())
    return Trained(bits, step, step * BATCH * LENGTH, taken, sum(parameter.numel() for parameter in model.parameters()))


@torch.inference_mode()
def _surprise(model: PlainModel, tokens: Tensor) -> float:
    """Nats a character, over windows side by side."""
    windows = tokens[: (len(tokens) - 1) // LENGTH * LENGTH + 1].unfold(0, LENGTH + 1, LENGTH)
    sums = [model(part[:, :-1], part[:, 1:]).item() * len(part) for part in windows.split(_HELD_OUT_BATCH)]
    return sum(sums) / len(windows)
