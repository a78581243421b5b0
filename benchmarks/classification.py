"""A classifier from MiniLM's weights by the recipe that ships: ``python benchmarks/classification.py TRAIN DEV``.

Rows are ``{"text": …, "label": …}``. DEV is measured once, at the end: nothing was chosen by it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from alen.benchmark import machine, report
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.training.recipe import TrainingRecipe, read_recipe
from alen.training.run import train
from alen.validation.intervals import rate_estimate

OUT = Path(__file__).with_name("results") / "classification.json"
RECIPE = Path(__file__).parents[1] / "configs" / "training" / "classification.yaml"
ENOUGH = 0.88


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("train", type=Path, help="for example sst2/train.jsonl")
    parser.add_argument("dev", type=Path, help="for example sst2/dev.jsonl")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    return report.finish("classification", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    labels = [json.loads(line)["label"] for line in options.dev.read_text("utf-8").splitlines() if line.strip()]
    commonest = Counter(labels).most_common(1)[0][1] / len(labels)
    with tempfile.TemporaryDirectory() as folder:
        read = read_recipe(RECIPE, out=Path(folder) / "out")
        files = {"train": (options.train,), "validation": (options.dev,)}
        # What a validation in between would say is not to be known.
        values = {**read.model_dump(), "data": {**read.model_dump()["data"], **files}, "validate_every": 10**6}
        found = train(TrainingRecipe.parse(values), show=True)
    right = round(found.validation["accuracy"] * len(labels))
    estimate = rate_estimate([1.0] * right + [0.0] * (len(labels) - right))
    return Result(
        name="classification",
        title=f"A classifier from {read.model.pretrained}, {options.train.parent.name}",
        settings={"recipe": RECIPE.name, "steps": found.steps, "seconds": round(found.seconds)},
        rows=(
            Row(
                name="accuracy",
                label="Right of texts held out",
                unit="percent",
                ours=Measured.of(estimate),
                target=Target(relation="at least", value=ENOUGH),
            ),
        ),
        tables={},
        notes=(f"The commonest label stands at {100 * commonest:.1f} % of these texts.",),
        **machine.conditions(begun),
    )


if __name__ == "__main__":
    sys.exit(main())
