"""How fast ALEN writes on a GPU, beside transformers: ``python benchmarks/gpu.py``.

Weights are random, of a real model's shape. Sides take turns within one run; ``--device cpu`` tries the program where
there is no GPU, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alen.benchmark import machine, report
from alen.benchmark.decoding.on_gpu import Ours, Side, Transformers, bandwidth, room
from alen.benchmark.harness import in_turns, progress
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.errors import WorkError
from alen.neural.gpu.weights import FORMATS
from alen.neural.presets import preset
from alen.validation.intervals import ratio_of_medians

OUT = Path(__file__).with_name("results") / "gpu.json"
PLAIN = "transformers bfloat16"

Found = dict[str, dict[str, list[float]]]
"""By work and side, a number a round."""

NOTES = (
    "Random weights: what is written means nothing, how soon it comes does.",
    "Each round writes after prompts of its own length; the reading of the prompts is in the time.",
    "Bandwidth is what a sum over four gigabytes reads a second, the best of seven; a written token reads every weight "
    "once.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("gpu", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing. Raises WorkError without a GPU."""
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise WorkError("There is no GPU that torch can use.", "Run it where alen doctor names one.")
    begun, config = machine.begin(), preset(options.preset)
    cache = room(options.prompt, options.count, options.texts)
    sides: dict[str, Any] = {name: Ours(config, name, device, cache) for name in FORMATS}
    weights = {name: side.bytes for name, side in sides.items()}
    sides[PLAIN] = Transformers(config, device)
    before = bandwidth(device)
    texts, count = options.texts, options.count
    works = {"one": (1, count), "many": (texts, count), "short": (1, 32), "short many": (texts, 32)}
    with progress() as show:
        seconds = {
            name: _seconds(sides, *work, options, lambda done, total, name=name: show(name, done, total))
            for name, work in works.items()
        }
    most = max(before, bandwidth(device))
    rates = {
        name: {side: [rows * tokens / each for each in found] for side, found in seconds[name].items()}
        for name, (rows, tokens) in works.items()
    }
    table = [
        {"work": name, "side": side, "tokens a second": round(float(np.median(found)), 1)}
        for name, sided in rates.items()
        for side, found in sided.items()
    ]
    shares = [_share(name, rates["one"][name], weights[name], most) for name in FORMATS]
    return Result(
        name="gpu",
        title=f"Writing with a model of the shape of {options.preset}, {texts} texts",
        settings={name: getattr(options, name) for name in ("preset", "texts", "prompt", "count", "rounds", "device")},
        rows=(*_rows(rates, seconds, texts), *shares),
        tables={"tokens_per_second": table},
        notes=NOTES,
        **machine.conditions(begun),
    )


def _seconds(
    sides: dict[str, Side], texts: int, count: int, options: argparse.Namespace, told: Any
) -> dict[str, list[float]]:
    chance = np.random.default_rng(0)
    found: dict[str, list[float]] = {name: [] for name in sides}
    turns = list(in_turns(1 + options.rounds, list(sides)))
    for done, (turn, name) in enumerate(turns, 1):
        prompts = chance.integers(1, 1000, (texts, options.prompt)).tolist()
        taken = sides[name].write(prompts, count)
        if turn:  # the first compiles
            found[name].append(taken)
        told(done, len(turns))
    return found


def _rows(
    rates: dict[str, dict[str, list[float]]], seconds: dict[str, dict[str, list[float]]], texts: int
) -> list[Row]:
    best = {work: max(FORMATS, key=lambda name, work=work: float(np.median(rates[work][name]))) for work in rates}
    rows = []
    for work, label, least in (("one", "One text", None), ("many", f"{texts} texts at once", 3.0)):
        estimate = ratio_of_medians(rates[work]["bfloat16"], rates[work][PLAIN])
        target = None if least is None else Target(relation="at least", value=least)
        rows.append(
            Row(name=work, label=f"{label}, to {PLAIN}", unit="times", ours=Measured.of(estimate), target=target)
        )
    short = seconds["short"][best["short"]]
    rows.append(
        Row(
            name="latency",
            label="32 tokens, one text",
            unit="seconds",
            ours=Measured(value=float(np.median(short)), n=len(short)),
            target=Target(relation="at most", value=0.1),
        )
    )
    many = [texts / each for each in seconds["short many"][best["short many"]]]
    rows.append(
        Row(
            name="requests",
            label=f"Requests of 32 tokens, {texts} at once",
            unit="per second",
            ours=Measured(value=float(np.median(many)), n=len(many)),
            target=Target(relation="at least", value=50.0),
        )
    )
    return rows


def _share(name: str, rates: list[float], weights: int, most: float) -> Row:
    return Row(
        name=f"roofline_{name}",
        label=f"Bytes read for writing in {name}, of what memory gives",
        unit="percent",
        ours=Measured(value=float(np.median(rates)) * weights / most, n=len(rates)),
        target=Target(relation="at least", value=0.7) if name == "bfloat16" else None,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # it is above
    parser.add_argument("--preset", default="smollm2-1.7b", help="whose shape the weights have")
    parser.add_argument("--texts", type=int, default=64, help="written at once")
    parser.add_argument("--prompt", type=int, default=64, help="tokens")
    parser.add_argument("--count", type=int, default=128, help="tokens that are written")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
