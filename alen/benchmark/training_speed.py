"""How fast loops train the same shape, in turns, and what Lightning costs ours."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark.harness import Report, spread
from alen.benchmark.kept import Kept
from alen.benchmark.loop_runs import RIVALS, Switches, best_switches, in_turns
from alen.benchmark.loops.task import Task
from alen.benchmark.schema import Measured, Row, Target
from alen.neural.describe import flops_per_token
from alen.neural.presets import preset
from alen.validation.intervals import ratio_of_medians

SHAPES = {"alen-small": (8, 256, 4), "alen-medium": (4, 256, 2)}
"""Rows of a batch, tokens of a row, steps between gates."""

FASTER, OF_PEAK, WRAPPER = 1.5, 0.9, 1.03
_ENDLESS = 10_000


def measure(
    model: str, tokens: Path, kept: Kept, show: Report, *, place: Path, rounds: int
) -> tuple[list[Row], list[dict[str, Any]]]:
    """Rows and a table of one model; ``place`` holds the environments of others."""
    task = _task(model, tokens)
    names = ("alen", *RIVALS)
    switches: dict[str, Switches] = {}
    for done, name in enumerate(names):
        show(f"{model}: switches", done, len(names))
        found = kept.get(f"{model}/{name}", partial(_chosen, name, task, place))
        switches[name] = Switches(**found)
    show(f"{model}: switches", len(names), len(names))
    switches["bare"] = switches["alen"]
    turns = kept.get(f"{model}/turns", partial(_turns, task, switches, place, rounds))
    seconds: dict[str, list[float]] = turns["seconds"]
    flops = 3 * flops_per_token(preset(model), (task.length + 1) // 2)
    rates = {name: task.batch * task.length / float(np.median(found)) for name, found in seconds.items()}
    table = [
        {
            "model": model,
            "loop": name,
            "tokens a second": f"{rates[name]:,.0f}",
            "ALEN's to it": f"{rates['alen'] / rates[name]:.2f}",
            "of peak": f"{100 * rates[name] * flops / turns['peak']:.0f} %",
            "MB": f"{turns['memory'][name] / 1e6:,.0f}",
            "switches": str(switches[name]),
            **{end: value for end, value in spread(seconds[name]).items() if end in ("p25", "p75")},
        }
        for name in switches
    ]
    best = max(RIVALS, key=lambda name: rates[name])
    share = rates["alen"] * flops / turns["peak"]
    faster = Measured.of(ratio_of_medians(seconds[best], seconds["alen"]))
    wrapper = Measured.of(ratio_of_medians(seconds["alen"], seconds["bare"]))
    wanted = Target(relation="at least", value=FASTER if share < OF_PEAK else 0.0)
    return [
        Row(
            name=f"{model}-speed",
            label=f"{model}: speed to the best other loop's",
            unit="times",
            ours=faster,
            target=wanted,
        ),
        Row(
            name=f"{model}-peak",
            label=f"{model}: of a large product of matrices",
            unit="percent",
            ours=Measured(value=share, n=rounds),
        ),
        Row(
            name=f"{model}-wrapper",
            label=f"{model}: time of a step to the bare loop's",
            unit="times",
            ours=wrapper,
            target=Target(relation="at most", value=WRAPPER),
        ),
    ], table


def _task(model: str, tokens: Path) -> Task:
    batch, length, every = SHAPES[model]
    config = preset(model)
    return Task(
        width=config.d_model,
        layers=config.num_layers,
        heads=config.attention.num_heads,
        hidden=config.hidden_dim,
        vocabulary=config.vocab_size,
        length=length,
        batch=batch,
        steps=_ENDLESS,
        tokens=str(tokens),
        work="",
        warm_up=100,
        every=every,
    )


def _chosen(name: str, task: Task, place: Path) -> dict[str, Any]:
    return asdict(best_switches(name, task, place))


def _turns(task: Task, switches: dict[str, Switches], place: Path, rounds: int) -> dict[str, Any]:
    found, peak = in_turns(task, switches, place, rounds=rounds)
    return {
        "seconds": {name: timed.seconds for name, timed in found.items()},
        "memory": {name: timed.memory for name, timed in found.items()},
        "peak": peak,
    }
