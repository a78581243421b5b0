"""Whether a reply is right: ALEN's probability beside lm-polygraph's and uqlm's estimators, on frozen replies.

    python benchmarks/generations.py path/to/data --out path/to/generations
    python benchmarks/generations.py path/to/data --out path/to/generations/left_out --samples 0 --count 200 --sets …
    python benchmarks/validation.py path/to/generations --work path/for/environments

All read the same file of replies, labels and grader, get the same calibrator on the same labels, and the same procedure
certifies them. Each library runs in an environment of its own, which this script makes. Sets whose accuracy lies
outside of 20 to 80 %, or too near to chance, are named and left out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import machine, report, verification_rows, verification_tables
from alen.benchmark.generations import read_lines
from alen.benchmark.harness import progress
from alen.benchmark.rival_scores import RIVALS, UNAVAILABLE, Confidences, Rival, confidences
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.benchmark.selection import by_energy, by_votes, choices
from alen.benchmark.set_scores import SetScores, on_a_new_set, scored
from alen.benchmark.splits import merged_groups
from alen.benchmark.verification import Looked, gathered
from alen.errors import BadInput
from alen.validation import metrics

OUT = Path(__file__).resolve().parent / "results" / "validation.json"
MATHS = "procedural"
LEFT_OUT = "left_out"
"""Folder, within that of the generations, of sets that only an accuracy is told of: their likely replies alone."""
Lines = list[dict[str, Any]]
NOTES = (
    "Every question is tested in one of five turns; what is fitted, calibrated and certified rests on others.",
    "Intervals: 95 % bootstrap over question groups, the same draws for both sides; p by Holm over all estimators.",
    "ALEN begins with the weights that the other sets have in common; apart, with none.",
    "New sets: fitted and calibrated on all other sets; nothing of the set itself was graded.",
    "Not run: " + "; ".join(f"{name} ({why})" for name, why in UNAVAILABLE.items()) + ".",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("validation", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    files = sorted(options.generations.glob("*.jsonl"))
    if not files:
        raise BadInput("generations", str(options.generations), "a folder of frozen files", "Run generations.py first.")
    told, admitted = [], []
    for file in files:
        lines = read_lines(file)
        name = str(lines[0]["set"])
        told.append(verification_tables.accuracy(name, lines, merged_groups(lines)))
        if not told[-1]["left out"]:
            admitted.append(lines)
    sets = _scored(options, admitted)
    new = [on_a_new_set(one, [other for other in sets if other is not one]) for one in sets]
    rows = [*verification_rows.rows(sets, new), *_selected(sets)]
    told += [_left_out(read_lines(file)) for file in sorted((options.generations / LEFT_OUT).glob("*.jsonl"))]
    return Result(
        name="validation",
        title=f"Is a reply of {options.model} right? {sum(len(s.right) for s in sets)} questions of {len(sets)} sets",
        **machine.conditions(begun),
        settings={"draws": verification_rows.DRAWS, "rivals": [each.requirements[-1] for each in RIVALS.values()]},
        rows=tuple(rows),
        tables={
            "sets": told,
            "by_set": verification_tables.by_set(sets, new),
            "estimators": verification_tables.by_estimator(sets),
            "certified": verification_tables.certified(sets),
            "ablations": verification_tables.ablations(sets),
            "controls": verification_tables.control(sets),
            "tokens": verification_tables.tokens(sets),
        },
        notes=NOTES,
    )


def _left_out(lines: Lines) -> dict[str, Any]:
    row = verification_tables.accuracy(str(lines[0]["set"]), lines, merged_groups(lines))
    return row | {"left out": row["left out"] or "not one of the declared sets"}


def _scored(options: argparse.Namespace, admitted: Sequence[Lines]) -> list[SetScores]:
    from alen.sentence_encoder import SentenceEncoder

    encoder = SentenceEncoder.from_pretrained(home=options.home)
    with progress() as show:
        looked = [Looked.at(str(lines[0]["set"]), lines, encoder) for lines in admitted]
        found = []
        for number, one in enumerate(looked):
            show("sets", number, len(admitted))
            found.append(scored(one, [other for other in looked if other is not one], _rivals(options, one)))
        show("sets", len(admitted), len(admitted))
        return found


def _rivals(options: argparse.Namespace, looked: Looked) -> list[Confidences]:
    from alen import models, paths
    from alen.language_model import LargeLanguageModel

    vocabulary = int(LargeLanguageModel.from_pretrained(options.model, home=options.home).info()["vocabulary"])
    encoder = models.locate("all-minilm-l6-v2", paths.home(options.home)).path
    labels = [
        {
            part: {str(looked.lines[place]["id"]): bool(looked.lines[place]["is_right"]) for place in one.of(part)}
            for part in ("fit", "calibration")
        }
        for one in looked.turns
    ]
    work = options.work.absolute()

    def of(rival: Rival) -> Confidences:
        return confidences(rival, looked.lines, work, vocabulary=vocabulary, encoder=encoder, turns=labels)

    with ThreadPoolExecutor(len(RIVALS)) as pool:
        return list(pool.map(of, RIVALS.values()))


def _selected(sets: Sequence[SetScores]) -> list[Row]:
    """The answer of least energy beside the one with most votes, from the same replies."""
    one = next((each for each in sets if each.name == MATHS), None)
    if one is None:
        return []
    turns = one.looked.turns
    votes = np.array([float(by_votes(line)) for line in one.looked.lines])
    rows = []
    for name, label, computing in (
        ("selected", "Least energy above most votes, procedural maths", True),
        ("selected_written", "The same without what the question itself comes to", False),
    ):
        found = [choices(line, computing=computing) for line in one.looked.lines]
        right = gathered(turns, [by_energy(turn, found) for turn in turns])
        gain = metrics.mean_estimate((right - votes)[one.places], groups=one.groups, draws=verification_rows.DRAWS)
        target = Target(relation="at least", value=0.05, moonshot=0.15) if name == "selected" else None
        rows.append(Row(name=name, label=label, unit="percent", ours=Measured.of(gain), target=target))
    return rows


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("generations", type=Path, help="folder of frozen files")
    parser.add_argument("--work", type=Path, required=True, help="folder for the libraries' environments")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="the model that wrote the replies")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
