"""Whether two answers say the same, judged as people judge: ``python benchmarks/equivalence.py JUDGED``.

JUDGED is NQ-open.efficientqa.test.1.1.jsonl of the repository google-research-datasets/natural-questions: predictions
that people called definitely correct or not, whatever the accepted answers are (Min et al., 2021, arXiv:2101.00133). A
prediction is worth what it has in common with the nearest accepted answer. Nothing is fitted on these judgements.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from alen.benchmark import equivalence_pairs, machine, report
from alen.benchmark.schema import Measured, Result, Row, Target, Unit
from alen.core.equivalence import compare
from alen.core.equivalence.comparing import THRESHOLD
from alen.errors import BadInput
from alen.text.grading import token_f1
from alen.validation import metrics

OUT = Path(__file__).with_name("results") / "equivalence.json"
FALSE_ACCEPTS = 0.044
"""Of the rule that token F1 reaches 0.5: recalls are compared at this share of wrong predictions accepted."""
NOTES = (
    "Plain: the token F1 of SQuAD 2.0, right from 0.5 on.",
    "Intervals: 95 % bootstrap over questions.",
    "Nothing is fitted on these judgements.",
)

Judge = Callable[[np.ndarray, np.ndarray], float]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("equivalence", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    if not options.judged.is_file():
        raise BadInput("judged", str(options.judged), "NQ-open.efficientqa.test.1.1.jsonl", "Check the spelling.")
    rows = list(equivalence_pairs.judged(options.judged))
    right, groups = np.array([row[3] for row in rows]), [row[0] for row in rows]
    ours = np.array([max(compare(said, gold, question=q).probability for gold in golds) for q, golds, said, _ in rows])
    # Ours says the same above a half, and a token F1 of a half is right.
    plain = np.nextafter([token_f1(said, golds) for _, golds, said, _ in rows], np.inf)

    def row(name: str, label: str, judge: Judge, target: Target | None = None, unit: Unit = "number") -> Row:
        measured = [metrics.bootstrap(judge, scores, right, groups=groups) for scores in (ours, plain)]
        mine, beside = (Measured.of(each) for each in measured)
        return Row(name=name, label=label, unit=unit, ours=mine, plain=beside, target=target)

    return Result(
        name="equivalence",
        title=f"Answers that people judged: {len(rows):,} predictions to {len(set(groups)):,} questions",
        **machine.conditions(begun),
        settings={"definitely correct": int(right.sum())},
        rows=(
            row("auroc", "AUROC", metrics.auroc, Target(relation="at least", value=0.85, moonshot=0.92)),
            row("recall", "Right ones accepted", _accepted_right, unit="percent"),
            row("false_accepts", "Wrong ones accepted", _accepted_wrong, unit="percent"),
            row(
                "recall_at",
                f"Right ones accepted where {FALSE_ACCEPTS:.1%} of the wrong ones are",
                _recall_at,
                Target(relation="above", value=0.449),
                "percent",
            ),
        ),
        notes=NOTES,
    )


def _accepted_right(scores: np.ndarray, right: np.ndarray) -> float:
    return float((scores[right] > THRESHOLD).mean())


def _accepted_wrong(scores: np.ndarray, right: np.ndarray) -> float:
    return float((scores[~right] > THRESHOLD).mean())


def _recall_at(scores: np.ndarray, right: np.ndarray) -> float:
    # Many wrong predictions share a score: where the cut falls among them, they are accepted by lot.
    cut = np.quantile(scores[~right], 1 - FALSE_ACCEPTS)
    over, at = (scores[~right] > cut).mean(), (scores[~right] == cut).mean()
    lot = (FALSE_ACCEPTS - over) / at if at else 0.0
    return float((scores[right] > cut).mean() + lot * (scores[right] == cut).mean())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("judged", type=Path, help="NQ-open.efficientqa.test.1.1.jsonl")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
