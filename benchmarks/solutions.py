"""Published solutions of GSM8K, judged from the question and the one solution: ``python benchmarks/solutions.py DATA``.

DATA holds a folder for each data set. No model is run: the checks of working look at each solution, and an energy that
was fitted on the development problems says how likely it is to be right. Every problem of the evaluation part is
judged."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import machine, report
from alen.benchmark.comparison import calibrated
from alen.benchmark.harness import timed
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.benchmark.tasks import TASKS, Item
from alen.core.checks.of_working import NAMES, of_working
from alen.core.energy import Energy
from alen.core.fitting import FOLDS, unit
from alen.types import Check
from alen.validation import metrics

OUT = Path(__file__).with_name("results") / "solutions.json"
SET = "check_gsm8k"
DRAWS = 1000
SYSTEMS = ("6B finetuned", "6B verified", "175B finetuned", "175B verified")
NOTES = (
    "Four solutions of each problem by the models of Cobbe et al. (2021); a solution is right where they say so.",
    "Fitted on the problems of the development part; the habits of working on GSM8K's training questions: both are at "
    "home on this data set.",
    "Intervals resample whole problems; those that differ in their numbers alone count as one.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("solutions", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    task = TASKS[SET]
    known, new = task.items(options.data, "development"), task.items(options.data, "evaluation", options.count)
    of_known = [_looked(item) for item in known]
    of_new, seconds = timed(lambda: [_looked(item) for item in new])
    labels, right = _right(known), _right(new)
    energy = Energy.fit(of_known, labels, names=NAMES)
    scores = np.array([-energy.of(found) for found in of_new])
    groups = [item.group for item in new]
    return Result(
        name="solutions",
        title=f"{len(new):,} published solutions of {len(set(groups)):,} GSM8K problems judged by their working",
        **machine.conditions(begun),
        settings={"fitted on": len(known), "count": options.count},
        rows=_rows(_held_out(of_known, labels, known), labels, scores, right, groups, seconds),
        tables={"checks": _checks(energy, of_new, right), "systems": _systems(scores, right)},
        notes=NOTES,
    )


def _looked(item: Item) -> list[Check]:
    return of_working(item.question, item.given or "")


def _right(items: Sequence[Item]) -> np.ndarray:
    return np.array([float(bool(item.right)) for item in items])


def _held_out(rows: Sequence[Sequence[Check]], labels: np.ndarray, items: Sequence[Item]) -> np.ndarray:
    """Scores of the development part that were not fitted to themselves: what the map to probabilities is fitted to."""
    folds = np.array([int(unit(item.group) * FOLDS) for item in items])
    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        there = np.flatnonzero(folds != fold).tolist()
        energy = Energy.fit([rows[place] for place in there], labels[there], names=NAMES)
        for place in np.flatnonzero(folds == fold).tolist():
            scores[place] = -energy.of(rows[place])
    return scores


def _rows(
    known: np.ndarray, labels: np.ndarray, scores: np.ndarray, right: np.ndarray, groups: list[str], seconds: float
) -> tuple[Row, ...]:
    p = calibrated(known, labels, scores)

    def row(name: str, label: str, metric: Any, column: np.ndarray, target: Target | None = None) -> Row:
        found = metrics.bootstrap(metric, column, right, groups=groups, draws=DRAWS)
        return Row(name=name, label=label, unit="number", ours=Measured.of(found), target=target)

    share = metrics.mean_estimate(right, groups=groups, draws=DRAWS)
    spent = Measured(value=1000 * seconds / len(right), n=len(right))
    return (
        row("auroc", "AUROC", metrics.auroc, scores, Target(relation="at least", value=0.75, moonshot=0.85)),
        row(
            "log_loss_gain",
            "Log-loss gain over the base rate",
            metrics.log_loss_gain,
            p,
            Target(relation="above", value=0.0, bound="low"),
        ),
        row("ece", "Calibration error (ECE, 15 bins)", metrics.ece, p),
        Row(name="right", label="Right solutions", unit="percent", ours=Measured.of(share)),
        Row(name="milliseconds", label="Milliseconds a solution", unit="number", ours=spent),
    )


def _checks(energy: Energy, rows: Sequence[Sequence[Check]], right: np.ndarray) -> list[dict[str, Any]]:
    weights = {term.name: term.weight for term in energy.terms}
    found = []
    for name in NAMES:
        values = np.array([next((c.value for c in row if c.name == name), None) for row in rows], dtype=float)
        seen = np.isfinite(values)
        alone = metrics.auroc(values[seen], right[seen]) if seen.any() else math.nan
        found.append(
            {
                "check": name,
                "applies": f"{seen.mean():.0%}",
                "AUROC alone": f"{alone:.3f}",
                "weight": f"{weights.get(name, 0.0):.2f}",
            }
        )
    return found


def _systems(scores: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """A problem's solutions come in the order of the systems."""
    if len(right) % len(SYSTEMS):
        return []
    of = np.arange(len(right)) % len(SYSTEMS)
    return [
        {
            "system": name,
            "right": f"{right[of == place].mean():.0%}",
            "AUROC": f"{metrics.auroc(scores[of == place], right[of == place]):.3f}",
        }
        for place, name in enumerate(SYSTEMS)
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with a folder for each data set")
    parser.add_argument("--count", type=int, help="solutions to judge; all when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
