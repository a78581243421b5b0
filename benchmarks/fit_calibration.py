"""Fit the calibration that ships with ALEN: ``python benchmarks/fit_calibration.py path/to/squad2``.

Reading and extraction are fitted on the calibration articles of SQuAD 2.0 alone, which neither trained the reader nor
are reported on. Recall of taught answers is fitted on pairs of questions of the training and calibration articles,
arithmetic on generated questions whose answers are computed here by another route.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alen import Engine
from alen.benchmark import squad
from alen.benchmark.rewording import reword
from alen.core import belief, fitting, operators
from alen.core.belief import UNBELIEVABLE, Belief, Family
from alen.core.energy import Energy, Term
from alen.core.fitting import Labelled
from alen.core.situation import Situation
from alen.engine import asking, calibrating
from alen.text.questions import group_of, is_answered
from alen.thought import ThoughtState
from alen.types import Recollection

TARGET = Path(belief.__file__).with_name("default_calibration.json")
SEED = 0

BY_DEFINITION = {
    # What ALEN said and committed is worth what it was worth then, to the same question alone.
    "own": Family(Energy(0.0, (Term("confidence_then", 0.0, 1.0, 1.0, -UNBELIEVABLE),))),
    # All steps must be right; that their errors come apart from each other is an assumption.
    "steps": Family(Energy(0.0, (Term("steps_together", 0.0, 1.0, 1.0),))),
}
"""Families that nothing is fitted for."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with contexts.jsonl, contexts_extra.jsonl and dev.jsonl")
    parser.add_argument("--without-reading", action="store_true", help="fit recall and arithmetic alone")
    parser.add_argument("--labels", type=Path, help="keep the labelled rows here, and take them from here next time")
    arguments = parser.parse_args()
    chance = random.Random(SEED)
    if arguments.labels and arguments.labels.is_file():
        rows = [_row(json.loads(line)) for line in arguments.labels.read_text("utf-8").splitlines()]
    else:
        rows = recall_rows(arguments.data, chance)
        if not arguments.without_reading:
            rows += reading_rows(arguments.data)
        if arguments.labels:
            arguments.labels.write_text("\n".join(json.dumps(_json(row)) for row in rows) + "\n", "utf-8")
    right, asked = arithmetic(chance)
    exact = [row.right for row in rows if row.family == "recall_exact"]
    # Nothing is kept apart: what would be certified here holds for these articles and not for a user's own texts.
    learned = [row for row in rows if row.family != "recall_exact"]
    fitted, report = fitting.fit(learned, Belief({}), {}, certifying=0.0)
    families = dict(fitted.families)
    # A recomputation that disagrees takes away ten units of log-odds: it is then never believed.
    families["compute"] = Family(
        Energy(_log_odds(right, asked), (Term("symbolic", 1.0, 0.1, 1.0, -3.0),)), None, _wilson(right, asked)
    )
    families["recall_exact"] = Family(
        Energy(_log_odds(sum(exact), len(exact)), ()), None, _wilson(sum(exact), len(exact))
    )
    families |= BY_DEFINITION
    report["families"]["compute"] = {"rows": asked, "right": right, "fitted": True}
    report["families"]["recall_exact"] = {"rows": len(exact), "right": sum(exact), "fitted": True}
    provenance = {
        "fitted_on": "SQuAD 2.0 development set (CC BY-SA 4.0), articles "
        + ", ".join(sorted(squad.CALIBRATION))
        + "; recall also on pairs of questions of the training articles; generated arithmetic",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": SEED,
        "command": "python benchmarks/fit_calibration.py DATA",
        **report,
    }
    TARGET.write_text(json.dumps(Belief(families, provenance).to_json(), indent=1) + "\n", "utf-8")
    print(json.dumps(report, indent=1))
    return 0


def _progress(stage: str, done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        print(f"{stage} {done}/{total}", file=sys.stderr, flush=True)


def questions(data: Path, articles: frozenset[str]) -> list[dict[str, Any]]:
    """Question rows of these articles, as ``alen calibrate`` reads them."""
    return [
        {
            "question": question.text,
            "answers": list(question.golds),
            "unanswerable": question.unanswerable,
            "context": question.passage,
        }
        for question in squad.load(data).questions
        if question.article in articles
    ]


def reading_rows(data: Path) -> list[Labelled]:
    """Every passage taught, the questions of the calibration articles asked."""
    asked = questions(data, squad.CALIBRATION)
    with tempfile.TemporaryDirectory() as folder, Engine.open(store=f"sqlite:///{folder}/memory.db") as engine:
        for file in ("contexts.jsonl", "contexts_extra.jsonl"):
            engine.teach(passages=data / file, progress=_progress)
        return calibrating.label(engine, asked, _progress)


def recall_rows(data: Path, chance: random.Random) -> list[Labelled]:
    """Half the answerable questions taught; asked: the others, the unanswerable, rewordings, and some word for word."""
    rows = questions(data, squad.TRAINING | squad.CALIBRATION)
    taught, asked = [], []
    for row in rows:
        (taught if not row["unanswerable"] and chance.random() < 0.5 else asked).append(row)
    reworded = [
        {**row, "question": reword(row["question"], chance)}
        for row in chance.sample(taught, min(len(taught), len(asked) // 2))
    ]
    repeated = chance.sample(taught, 400)
    labelled: list[Labelled] = []
    with tempfile.TemporaryDirectory() as folder, Engine.open(store=f"sqlite:///{folder}/memory.db") as engine:
        pairs = [{"question": row["question"], "answer": row["answers"][0]} for row in taught]
        engine.teach(qa=pairs, progress=_progress)
        everything = [*asked, *reworded, *repeated]
        for done, row in enumerate(everything, 1):
            situation = asking.situate(engine, row["question"], "fast")
            # The nearest proposal alone: the others are there to be compared with it.
            for proposal in operators.recall_taught(situation)[:1]:
                right = int(is_answered(proposal.text, row))
                labelled.append(Labelled(proposal.family, proposal.checks, right, group_of(row)))
            _progress("recalling", done, len(everything))
    return labelled


def arithmetic(chance: random.Random, count: int = 2000) -> tuple[int, int]:
    """How many generated sums are answered right, of how many asked."""
    right = 0
    for _ in range(count):
        a, b, c = chance.randint(2, 9999), chance.randint(2, 999), chance.randint(2, 99)
        question, value = chance.choice(
            (
                (f"What is {a} + {b}?", a + b),
                (f"What is {a} minus {b}?", a - b),
                (f"How much is {a} times {c}?", a * c),
                (f"Calculate ({a} + {b}) * {c}", (a + b) * c),
                (f"What is {a * b} divided by {b}?", a),
                (f"What is {c}% of {a}?", c * a / 100),
                (f"What is the square root of {c * c}?", c),
                (f"How many minutes are in {c} hours?", c * 60),
                (f"Convert {a} m to km", a / 1000),
                (f"What is {b} squared?", b * b),
            )
        )
        situation = Situation(ThoughtState.from_input(question), Recollection())
        proposals = operators.compute(situation)
        found = re.match(r"-?[\d.]+", proposals[0].text) if proposals else None
        right += bool(found) and math.isclose(float(found.group()), value, rel_tol=1e-9)
    return right, count


def _log_odds(right: int, asked: int) -> float:
    """Log-odds of the posterior mean under a uniform prior: never certain, whatever was seen."""
    p = (right + 1) / (asked + 2)
    return round(math.log(p / (1 - p)), 4)


def _wilson(right: int, asked: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a rate (Wilson, 1927)."""
    rate = right / asked
    centre, spread = rate + z * z / (2 * asked), z * math.sqrt(rate * (1 - rate) / asked + (z / (2 * asked)) ** 2)
    scale = 1 + z * z / asked
    return round((centre - spread) / scale, 5), round(min(1.0, (centre + spread) / scale), 5)


def _json(row: Labelled) -> dict[str, Any]:
    return {
        **{k: getattr(row, k) for k in ("family", "right", "group", "question")},
        "checks": [c.to_json() for c in row.checks],
    }


def _row(data: dict[str, Any]) -> Labelled:
    from alen.types import Check

    return replace(
        Labelled(data["family"], (), data["right"], data["group"], data.get("question")),
        checks=tuple(Check(**c) for c in data["checks"]),
    )


if __name__ == "__main__":
    sys.exit(main())
