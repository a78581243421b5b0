"""Forward and training speed of the transformer beside ``transformers``: ``python benchmarks/transformer.py``.

Same weights, same tokens, same machine; each side runs with its own best switches (eager or compiled; for bfloat16
whole weights or autocast), in a process of its own, in turns with the other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alen.benchmark import machine, report
from alen.benchmark.harness import progress, spread
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.benchmark.step_models import MODELS, work
from alen.benchmark.stepping import SIDES, Steps, Switches, check_same, choose, compare
from alen.validation.intervals import ratio_of_medians

OUT = Path(__file__).with_name("results") / "transformer.json"
SHAPES = ("1x512", "8x256")
DTYPES = ("float32", "bfloat16")
CELL = ("model", "shape", "dtype", "step")
RUN = ("alen_switches", "transformers_switches", *(f"{side}_seconds_{end}" for side in SIDES for end in ("p25", "p75")))
STEPS = ("forward", "train")
WANTED, OF_PEAK = 1.3, 0.9
NOTES = (
    "Tokens a second of forward (logits of every token) and of forward with backward (mean loss), medians of steps.",
    "A cell is reached at 1.3 times transformers or at 90 % of what a large matrix product reaches here.",
    "ALEN small is a StableLM with rotary positions over whole heads there. BERT is trained on 15 % masked tokens.",
    "Memory is the peak of a process above what it took before the model was made.",
    "The share of the peak is of a large matrix product that took turns with the steps.",
    "ALEN keeps freed memory for its next step (alen.neural.host_memory), which a process of transformers does not.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("transformer", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    cells = list(itertools.product(options.shapes, options.models, options.dtypes, options.steps))
    rows: list[Row] = []
    table: list[dict[str, Any]] = []
    finished = _finished(options.cells)
    chosen: dict[tuple[str, str, str], dict[str, Switches]] = {}
    with progress() as show:
        for done, (shape, model, dtype, step) in enumerate(cells):
            show("cells", done, len(cells))
            kept = finished.get((model, shape, dtype, step))
            if kept is None:
                batch, length = map(int, shape.split("x"))
                cell = {"model": model, "batch": batch, "time": length, "threads": options.threads}
                # What is fastest at one shape is taken at the others too: compiling takes most of the time of a run.
                best = chosen.get((model, dtype, step)) or choose(cell, step, dtype, compiled=options.compile)
                found, peak = compare(cell, step, dtype, best, rounds=options.rounds)
                check_same(found, dtype)
                kept = {
                    "entry": _entry(model, shape, dtype, step, found, peak),
                    "seconds": {side: steps.seconds for side, steps in found.items()},
                }
                _keep(options.cells, kept)
            chosen.setdefault((model, dtype, step), _switches(kept["entry"]))
            table.append(kept["entry"])
            rows += _rows(kept["entry"], kept["seconds"])
        show("cells", len(cells), len(cells))
    return Result(
        name="transformer",
        title="Forward and training steps beside transformers",
        **machine.conditions(begun),
        settings={
            name: getattr(options, name) for name in ("models", "shapes", "dtypes", "steps", "compile", "rounds")
        },
        rows=tuple(rows),
        tables={
            "tokens_per_second": [_shown(entry) for entry in table],
            "runs": [{name: entry[name] for name in (*CELL, *RUN)} for entry in table],
        },
        notes=NOTES,
    )


def _entry(model: str, shape: str, dtype: str, step: str, found: dict[str, Steps], peak_flops: float) -> dict[str, Any]:
    batch, length = map(int, shape.split("x"))
    operations = work(model, step, batch, length)
    sides = {
        side: {
            "tokens_per_second": round(batch * length / steps.median, 1),
            "of_peak": round(operations / steps.median / peak_flops, 3),
            "memory_mb": round(steps.memory / 1e6, 1),
            "switches": str(steps.switches),
            **{f"seconds_{name}": value for name, value in spread(steps.seconds).items() if name in ("p25", "p75")},
        }
        for side, steps in found.items()
    }
    return {
        **dict(zip(CELL, (model, shape, dtype, step), strict=True)),
        "peak_gflops": round(peak_flops / 1e9, 1),
        **{f"{side}_{name}": value for side, values in sides.items() for name, value in values.items()},
    }


def _switches(entry: dict[str, Any]) -> dict[str, Switches]:
    found = {side: entry[f"{side}_switches"].split() for side in SIDES}
    return {side: Switches(side, words[0], "compiled" in words) for side, words in found.items()}


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """What a reader wants of a cell."""
    found = {name: entry[name] for name in CELL}
    for side in SIDES:
        found[side] = f"{entry[f'{side}_tokens_per_second']:,.0f}"
    found["ratio"] = f"{entry['alen_tokens_per_second'] / entry['transformers_tokens_per_second']:.2f}"
    for side in SIDES:
        found[f"{side} of peak"] = f"{100 * entry[f'{side}_of_peak']:.0f} %"
    for side in SIDES:
        found[f"{side} MB"] = f"{entry[f'{side}_memory_mb']:,.0f}"
    return found


def _finished(file: Path | None) -> dict[tuple[str, ...], dict[str, Any]]:
    """Cells of an earlier run of the same commit, by model, shape, dtype and step."""
    if file is None or not file.is_file():
        return {}
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {tuple(line["entry"][name] for name in CELL): line for line in lines if line["commit"] == machine.commit()}


def _keep(file: Path | None, cell: dict[str, Any]) -> None:
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(cell | {"commit": machine.commit()}) + "\n")


def _rows(entry: dict[str, Any], seconds: dict[str, list[float]]) -> list[Row]:
    name = f"{entry['model']}-{entry['shape']}-{entry['dtype']}-{entry['step']}"
    label = f"{entry['model']} {entry['shape']} {entry['dtype']} {entry['step']}"
    ratio = ratio_of_medians(seconds["transformers"], seconds["alen"])
    wanted = WANTED if entry["alen_of_peak"] < OF_PEAK else 0.0
    if (entry["model"], entry["dtype"], entry["step"]) == ("alen-small", "bfloat16", "train"):
        wanted = 1.8
    speed = Measured(value=ratio.value, low=ratio.low, high=ratio.high, n=ratio.n)
    memory = Measured(value=entry["alen_memory_mb"] / max(entry["transformers_memory_mb"], 0.1), n=1)
    return [
        Row(name=name, label=label, unit="times", ours=speed, target=Target(relation="at least", value=wanted)),
        Row(
            name=f"{name}-memory",
            label=f"{label}, memory",
            unit="times",
            ours=memory,
            target=Target(relation="at most", value=1.0),
        ),
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="batch x tokens")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--rounds", type=int, default=7, help="steps of each side that are timed, in turns")
    parser.add_argument("--threads", type=int, default=0, help="of torch, for both sides; 0 leaves its default")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="eager runs alone")
    parser.add_argument("--cells", type=Path, help="finished cells are kept here and not measured again")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
