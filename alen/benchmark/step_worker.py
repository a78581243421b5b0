"""One process that holds one model and makes one step when told to: ``python -m alen.benchmark.step_worker JSON``.

It answers each line it reads with a line of JSON, so that the sides can take turns while their memory stays apart.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from alen.benchmark.process_memory import forget_peak, memory
from alen.benchmark.step_models import build, targets_of
from alen.neural.host_memory import give_back, keep_freed

TURN = 0.4
"""Seconds."""


def main() -> None:
    options = {"compile": False, **json.loads(sys.argv[1])}
    if options.get("threads"):
        torch.set_num_threads(options["threads"])
    if options["side"] == "peak":
        _serve({"gemm": _gemm(getattr(torch, options["dtype"]))}, lambda: 0)
        return
    if options["side"] == "transformers":
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    else:
        keep_freed()
    if options["compile"]:
        # What the compiler itself takes is not the memory of a model.
        torch.compile(torch.neg)(torch.ones(2))
    before = memory("VmRSS") or 0
    steps = _steps(options)
    _serve(steps, lambda: (memory("VmHWM") or 0) - before)


def _serve(steps: dict[str, Callable[[], Any]], taken: Callable[[], int]) -> None:
    print(json.dumps({"ready": list(steps)}), flush=True)
    for number, line in enumerate(sys.stdin):
        seconds, value = _turn(steps[line.strip()])
        print(json.dumps({"seconds": seconds, "value": value, "memory": taken()}), flush=True)
        if number == 0:
            # Loading and compiling are over; from now on the peak is that of steps.
            forget_peak()


def _turn(step: Callable[[], Any]) -> tuple[float, Any]:
    """The median of what fits into a turn, and what the last returned. A short step is made once before it counts: the
    threads of the other side have only just fallen asleep."""
    found: list[float] = []
    while not found or (found[0] < TURN / 2 and sum(found) < TURN):
        started = time.perf_counter()
        value = step()
        found.append(time.perf_counter() - started)
    return median(found[1:] or found), value


def _steps(options: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Forward and training steps by name. ``precision`` is float32, bfloat16 (weights too) or autocast."""
    model = build(options["model"], options["side"])
    precision = options["precision"]
    if precision == "bfloat16":
        model.module.to(torch.bfloat16)
    if options["side"] == "alen":
        give_back()
    generator = torch.Generator().manual_seed(2)
    tokens_BT = torch.randint(0, model.config.vocab_size, (options["batch"], options["time"]), generator=generator)
    targets_BT = targets_of(options["model"], tokens_BT)
    compiled = torch.compile if options["compile"] else (lambda function: function)
    logits, loss = compiled(model.logits), compiled(model.loss)

    def mixed() -> Any:
        return torch.autocast("cpu", torch.bfloat16) if precision == "autocast" else contextlib.nullcontext()

    def forward() -> float:
        model.module.eval()
        with torch.no_grad(), mixed():
            return float(logits(tokens_BT)[..., ::97].float().std())

    def train() -> float:
        model.module.train()
        model.module.zero_grad(set_to_none=True)
        with mixed():
            found = loss(tokens_BT, targets_BT)
        found.backward()
        return float(found.detach())

    return {"forward": forward, "train": train}


def _gemm(dtype: torch.dtype, size: int = 2048) -> Callable[[], float]:
    """FLOP/s of one large matrix product, the most that a layer can hope for."""
    one, other = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)

    def run() -> float:
        started = time.perf_counter()
        for _ in range(4):
            torch.mm(one, other)
        return 4 * 2 * size**3 / (time.perf_counter() - started)

    return run


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # Nobody listens any more, not even to what would be printed at the end.
        os._exit(1)
