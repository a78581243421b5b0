"""What loops have learnt after equal tokens, each at its best of several rates, and how many steps Muon saves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from alen.benchmark.harness import Report
from alen.benchmark.kept import Kept
from alen.benchmark.loop_runs import RIVALS, Switches, to_the_end
from alen.benchmark.loops.task import Task
from alen.benchmark.schema import Measured, Row, Target, Unit
from alen.benchmark.training_texts import Texts

SHAPE: dict[str, Any] = {
    "width": 128,
    "layers": 4,
    "heads": 4,
    "hidden": 344,
    "vocabulary": 2048,
    "length": 128,
    "batch": 16,
}
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
TABLE_RATES = (1e-2, 2e-2, 4e-2)
MATRIX_RATES = {"adamw": (5e-4, 1e-3, 2e-3), "muon": (5e-3, 1e-2, 2e-2)}
"""As many runs for one optimizer as for the other."""

SHARES = (0.3, 0.4, 0.5, 0.6, 0.7)
FEWER = 0.7
_WARM_UP = 20
"""The share of a run that warms up is one of so many."""


@dataclass(frozen=True, slots=True)
class Run:
    """``rates`` are those of tables and of hidden matrices; ``share`` is of all steps."""

    loop: str
    optimizer: str
    rates: tuple[float, float]
    share: float = 1.0


SETS = {
    # Muon is tuned at the length that it is to get by with.
    **{
        ("alen", kind): [
            Run("alen", kind, rates, FEWER if kind == "muon" else 1.0) for rates in product(TABLE_RATES, several)
        ]
        for kind, several in MATRIX_RATES.items()
    },
    **{(name, "adamw"): [Run(name, "adamw", (rate, rate)) for rate in RATES] for name in RIVALS},
}


def measure(
    texts: Texts, kept: Kept, show: Report, *, place: Path, steps: int, workers: int
) -> tuple[list[Row], dict[str, list[dict[str, Any]]]]:
    """Rows and tables. Nothing is timed, so that ``workers`` runs may go on at once, on a thread each."""

    def loss(one: Run, held_out: Path) -> float:
        count = round(one.share * steps)
        task = Task(
            **SHAPE,
            tokens=str(texts.train),
            held_out=str(held_out),
            work="",
            optimizer=one.optimizer,
            rate=one.rates[0],
            matrix_rate=one.rates[1],
            steps=count,
            warm_up=max(1, count // _WARM_UP),
            threads=1,
        )
        name = f"{held_out.stem}/{steps}/{one}"
        return float(kept.get(name, lambda: to_the_end(one.loop, task, Switches(), place)[0]))

    def losses(stage: str, runs: Sequence[Run], held_out: Path) -> dict[Run, float]:
        with ThreadPoolExecutor(workers) as pool:
            found = pool.map(lambda one: loss(one, held_out), runs)
            return dict(zip(runs, _told(show, stage, found, len(runs)), strict=True))

    tried = losses("rates", [one for several in SETS.values() for one in several], texts.choose)
    best = {key: min(several, key=lambda one: tried[one]) for key, several in SETS.items()}
    shorter = [replace(best["alen", "muon"], share=share) for share in SHARES]
    whole = {key: replace(one, share=1.0) for key, one in best.items()}
    found = losses("measured", [*whole.values(), *shorter], texts.measure)
    control = found[whole["alen", "adamw"]]
    bits = {key: found[one] / math.log(2) / texts.bytes_per_token for key, one in whole.items()}
    enough = [one.share for one in (*shorter, whole["alen", "muon"]) if found[one] <= control]
    rival = min(bits[name, "adamw"] for name in RIVALS)
    tables: dict[str, list[dict[str, Any]]] = {
        "learnt": [
            {
                "loop": name,
                "optimizer": kind,
                "bits a byte": round(bits[name, kind], 4),
                "rate of tables": whole[name, kind].rates[0],
                "of matrices": whole[name, kind].rates[1],
            }
            for name, kind in sorted(bits, key=lambda key: bits[key])
        ],
        "muon": [
            {"steps": round(one.share * steps), "loss": round(found[one], 4), "AdamW after all": round(control, 4)}
            for one in shorter
        ],
        "rates": [
            {"loop": one.loop, "optimizer": one.optimizer, "rates": str(one.rates), "loss": round(value, 4)}
            for one, value in tried.items()
        ],
    }
    return [
        _row("bits", "Bits a byte", bits["alen", "muon"], "number"),
        _row("bits-ratio", "Bits a byte, to the best other loop's", bits["alen", "muon"] / rival, "times", 1.0),
        _row("bits-adamw", "The same with AdamW", bits["alen", "adamw"] / rival, "times"),
        _row("muon-steps", "Steps of Muon to AdamW's loss", min(enough, default=None), "times", FEWER),
    ], tables


def _row(name: str, label: str, value: float | None, unit: Unit, most: float | None = None) -> Row:
    target = None if most is None else Target(relation="at most", value=most)
    return Row(name=name, label=label, unit=unit, ours=Measured(value=value, n=1), target=target)


def _told(show: Report, stage: str, found: Iterable[float], total: int) -> Iterator[float]:
    for done, one in enumerate(found):
        show(stage, done, total)
        yield one
    show(stage, total, total)
