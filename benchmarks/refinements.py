"""What refinements of the core would add that are off: ``python benchmarks/refinements.py DATA GENERATIONS``.

DATA holds a folder for each data set, GENERATIONS what benchmarks/generations.py wrote. Checks that ask the model again
are asked of the first lines of each set and kept beside them; the same command goes on where it was stopped."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import machine, refinements, report
from alen.benchmark.generations import read_lines
from alen.benchmark.harness import progress
from alen.benchmark.refinements import Gain, Scope
from alen.benchmark.schema import Measured, Result, Row
from alen.benchmark.verification import Looked
from alen.engine.local_model import LocalModel
from alen.errors import BadInput
from alen.sentence_encoder import SentenceEncoder
from alen.validation import metrics

OUT = Path(__file__).with_name("results") / "refinements.json"
DIMENSIONS = (128, 256)
DRAWS = 1000
LABELS = {
    "backward": "Backward by likelihood",
    "masked_condition": "Masked condition",
}
NOTES = (
    "Gain: AUROC of the fitted sum of all checks with this one less that without it, tested in five turns.",
    "Whitening is fitted on questions of other sets, as a space that ships would be.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("refinements", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    encoder = SentenceEncoder.from_pretrained(home=options.home)
    found: dict[str, list[tuple[str, Gain]]] = {name: [] for name in refinements.NAMES}
    milliseconds = []
    with progress() as show:
        scorer = LocalModel.load(options.model, options.home)
        for name in options.sets:
            file = options.generations / f"{options.model}.{name}.0.jsonl"
            lines = read_lines(file)[: options.count]
            if not lines:
                raise BadInput("generations", str(file), "a file of frozen replies", "Run generations.py first.")
            kept = options.generations / "asked_back" / file.name
            told = refinements.asked_back(lines, scorer, kept, partial(_show, show, name, len(lines)))
            milliseconds += [row["milliseconds"] for row in told]
            for gain in refinements.gains(Looked.at(name, lines, encoder), told):
                found[gain.name].append((name, gain))
    scope = _scope(options.data, encoder)
    general_ND = np.asarray(encoder.encode(_general(options.data)), dtype=np.float64)
    spaces = {"raw": scope} | {
        f"whitened, {dim}": scope.through(refinements.whitened(general_ND, dim)) for dim in DIMENSIONS
    }
    return Result(
        name="refinements",
        title="What refinements would add that are off",
        **machine.conditions(begun),
        settings={"count": options.count, "sets": options.sets, "model": options.model},
        rows=(*_gain_rows(found), *_space_rows(spaces)),
        tables={
            "checks": [_gain_line(name, of) for each in found.values() for name, of in each],
            "milliseconds": [{"median of asking back": round(float(np.median(milliseconds)), 1)}],
        },
        notes=NOTES,
    )


def _show(show: Any, name: str, total: int, done: int) -> None:
    show(name, done, total)


def _gain_rows(found: dict[str, list[tuple[str, Gain]]]) -> list[Row]:
    rows = []
    for name, each in found.items():
        used = [gain for _, gain in each if gain.applies > 0]
        if used:
            gained = Measured.of(refinements.gain_of(used, DRAWS))
            rows.append(Row(name=name, label=f"{LABELS[name]}: AUROC gained", unit="number", ours=gained))
    return rows


def _gain_line(name: str, gain: Gain) -> dict[str, Any]:
    estimate = refinements.gain_of([gain], DRAWS) if gain.applies else None
    return {
        "check": LABELS[gain.name],
        "set": name,
        "applies": f"{gain.applies:.0%}",
        "AUROC alone": None if np.isnan(gain.alone) else round(gain.alone, 3),
        "gain": estimate and round(estimate.value, 4),
        "low": estimate and round(estimate.low, 4),
        "high": estimate and round(estimate.high, 4),
    }


def _space_rows(spaces: dict[str, Scope]) -> list[Row]:
    rows = []
    for name, scope in spaces.items():
        key = name.replace(", ", "_")
        outside = metrics.bootstrap(metrics.auroc, *scope.familiar(), draws=DRAWS)
        nearest = metrics.mean_estimate(scope.nearest_right(), draws=DRAWS)
        rows += [
            Row(
                name=f"outside_{key}",
                label=f"Out of scope told, {name} vectors: AUROC",
                unit="number",
                ours=Measured.of(outside),
            ),
            Row(
                name=f"nearest_{key}",
                label=f"Nearest question of one intent, {name} vectors",
                unit="percent",
                ours=Measured.of(nearest),
            ),
        ]
    return rows


def _scope(data: Path, encoder: SentenceEncoder) -> Scope:
    rows = _rows(data / "clinc150" / "all.jsonl")
    in_order = np.random.default_rng(0).permutation(len(rows))
    of = {split: [rows[at] for at in in_order if rows[at]["split"] == split] for split in ("train", "test", "oos_test")}
    known, inside, outside = of["train"][: refinements.KNOWN], of["test"][:1000], of["oos_test"]

    def encoded(some: list[dict[str, Any]]) -> np.ndarray:
        return np.asarray(encoder.encode([row["text"] for row in some]), dtype=np.float64)

    intents, wanted = [row["label"] for row in known], [row["label"] for row in inside]
    return Scope(encoded(known), intents, encoded(inside), wanted, encoded(outside))


def _general(data: Path) -> list[str]:
    """Questions about anything, of sets that nothing is measured on here."""
    files = ("webquestions/trainmodel.jsonl", "nq_open/dev.jsonl", "strategyqa/train.jsonl")
    return [row["question"] for file in files for row in _rows(data / file)[:1500]]


def _rows(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        raise BadInput("data", str(file), "a file of questions", "Give the folder that holds a folder for each set.")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with a folder for each data set")
    parser.add_argument("generations", type=Path, help="folder of frozen files")
    parser.add_argument("--sets", nargs="+", default=["squad2", "trec", "procedural"], metavar="SET")
    parser.add_argument("--count", type=int, default=250, help="questions of each set")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="the model that wrote the replies")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
