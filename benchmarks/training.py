"""Training beside other loops: ``python benchmarks/training.py TEXT``.

Speed: ALEN, the Trainer of transformers, LitGPT and a loop after nanoGPT's train the same shape on the same rows, each
with its own best switches, in turns. What is learnt: bits a byte after equal tokens, each loop at its best of several
learning rates; rates are chosen on a tenth of the text and measured on another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alen.benchmark import machine, report, training_learnt, training_speed, training_texts
from alen.benchmark.harness import progress
from alen.benchmark.kept import Kept
from alen.benchmark.schema import Result, Row

OUT = Path(__file__).with_name("results") / "training.json"
PARTS = ("speed", "learnt")
NOTES = (
    "Speed is tokens a second of whole steps with the optimizer, medians of turns; AdamW everywhere.",
    "The loop after nanoGPT has GPT-2's layers of like width, depth and parameters; the others have ALEN's shape.",
    "A loop's switches are what was fastest for it: float32 or bfloat16 by autocast, eager or compiled.",
    "The bare loop has ALEN's model, loss and optimizer without Lightning.",
    "Muon's steps are the shortest of its runs that ends no worse than AdamW's best, over the steps of that.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("training", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun, kept = machine.begin(), Kept(options.cells)
    rows: list[Row] = []
    tables: dict[str, list[dict[str, Any]]] = {}
    place = options.work.absolute()
    with tempfile.TemporaryDirectory() as folder, progress() as show:
        texts = training_texts.write(options.text.read_text("utf-8"), Path(folder), training_learnt.SHAPE["vocabulary"])
        if "speed" in options.parts:
            for model in options.models:
                found, table = training_speed.measure(
                    model, texts.train, kept, show, place=place, rounds=options.rounds
                )
                rows += found
                tables.setdefault("speed", []).extend(table)
        if "learnt" in options.parts:
            found, several = training_learnt.measure(
                texts, kept, show, place=place, steps=options.steps, workers=options.workers
            )
            rows += found
            tables |= several
    return Result(
        name="training",
        title="Training beside other loops",
        settings={"rounds": options.rounds, "steps": options.steps, "shape": training_learnt.SHAPE},
        rows=tuple(rows),
        tables=tables,
        notes=NOTES,
        **machine.conditions(begun),
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("text", type=Path, help="for example tinyshakespeare.txt")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--models", nargs="+", choices=tuple(training_speed.SHAPES), default=list(training_speed.SHAPES)
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns that are timed")
    parser.add_argument("--steps", type=int, default=300, help="of a run that is measured by what it has learnt")
    parser.add_argument("--workers", type=int, default=2, help="such runs at once, on a thread each")
    parser.add_argument("--work", type=Path, default=Path("environments"), help="environments of others")
    parser.add_argument("--cells", type=Path, help="what is finished is kept here and not measured again")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
