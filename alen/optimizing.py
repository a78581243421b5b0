"""Kernels for this machine: compiled once, kept, and used where they are faster than torch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from alen import paths
from alen.errors import BadInput
from alen.language_model import LargeLanguageModel
from alen.neural import native
from alen.neural.native import why_not
from alen.neural.precision import Precision, choose_dtype

Progress = Callable[[str, int, int], None]
TOKENS = 24
ROUNDS = 3
WORTH = 1.15
"""How much faster kernels must be to be used."""
CLEAR = 2.0
"""From this ratio on, either way, one round tells enough."""


def optimize(model: str | Path, home: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Compile, measure both ways of decoding by turns, and remember which one won.

    Raises NotCompiled where there is no compiler, BadInput for a model that the kernels do not know, and what loading
    raises."""
    report = progress or (lambda stage, done, total: None)
    folder = paths.kernels_folder(home)
    report("compiling", 0, 1)
    library = native.make(folder)
    native.allow(folder, True)
    report("measuring", 0, ROUNDS)
    ways = {
        "kernels": LargeLanguageModel.from_pretrained(model, home, on="processor"),
        "torch": LargeLanguageModel.from_pretrained(model, home, dtype=_precision_of_torch(), on="processor"),
    }
    refused = why_not(ways["kernels"].config)
    if refused is not None:
        raise BadInput("model", refused, "a decoder of the Llama family", "This one is computed by torch.")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name, way in ways.items():
            seconds[name].append(_seconds(way))
        report("measuring", number + 1, ROUNDS)
        ratio = statistics.median(seconds["torch"]) / statistics.median(seconds["kernels"])
        if not 1 / CLEAR < ratio < CLEAR:
            break
    speed = {name: TOKENS / statistics.median(times) for name, times in seconds.items()}
    wins = speed["kernels"] >= WORTH * speed["torch"]
    native.allow(folder, wins)
    return {
        "kernels": str(library),
        "format": ways["kernels"].format,
        "tokens_per_second": {name: round(value, 1) for name, value in speed.items()},
        "used": wins,
    }


def _precision_of_torch() -> Precision:
    return "bfloat16" if choose_dtype("auto") == torch.bfloat16 else "float32"


def _seconds(model: LargeLanguageModel) -> float:
    model.complete("Once", max_tokens=4, ignore_eos=True)
    started = time.perf_counter()
    model.complete("Once upon a time there was", max_tokens=TOKENS, ignore_eos=True)
    return time.perf_counter() - started
