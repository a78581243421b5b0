"""Fit the habits of working that ship with ALEN: ``python benchmarks/fit_habits.py path/to/data``.

The data are the training questions of GSM8K (Cobbe et al., 2021) with the solutions that people wrote; the test
questions are never read. The last 15 % are left out once, to report how well the habits foretell what was done.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from alen.benchmark.tasks.item import rows_of
from alen.core import habits
from alen.core.mentions import mentions, words_of
from alen.core.working import Working

TARGET = Path(habits.__file__).with_name("habits.json")
SEEN = 60
"""Rows in which a feature must be found."""
INVERSE_RIDGE = 0.1
HELD_OUT = 0.15
Rows = list[tuple[list[str], str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with gsm8k")
    rows = list(rows_of(parser.parse_args().data / "gsm8k" / "train.jsonl"))
    roles, signs, following = _told(rows)
    losses = {"role": _loss(roles), "sign": _loss(signs)}
    written = {
        "version": 1,
        "provenance": {
            "fitted_on": f"GSM8K training questions and solutions ({len(rows)}, MIT licence)",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": "python benchmarks/fit_habits.py DATA",
            "log_loss_held_out": losses,
        },
        "role": _fitted(roles),
        "sign": _fitted(signs),
        "next": {before: dict(row) for before, row in sorted(following.items())},
    }
    TARGET.write_text(json.dumps(written, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps(losses))
    return 0


def _told(rows: Sequence[dict[str, Any]]) -> tuple[Rows, Rows, dict[str, Counter[str]]]:
    roles: Rows = []
    signs: Rows = []
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        working = Working.of(row["solution"])
        if not working.equations:
            continue
        words = words_of(row["question"])
        told = mentions(words)
        often = Counter(one.value for one in told)
        for place, used in enumerate(habits.uses(told, working.equations)):
            value = told[place].value
            # Of two equal numbers nobody can tell which was used, and "one" is often no number.
            if often[value] == 1 and (used or value != 1):
                features = habits.of_mention(words, told, place, row["question"])
                roles += [(features, role) for role in dict.fromkeys(used or [habits.UNUSED])]
        for equation in working.equations:
            signs.append((habits.of_step(working.steps[equation.line]), equation.signs[-1]))
        done = [habits.BEGIN, *habits.steps(working.equations), habits.END]
        for before, step in pairwise(done):
            following[before][step] += 1
    return roles, signs, following


def _model(rows: Rows) -> tuple[DictVectorizer, LogisticRegression]:
    found = DictVectorizer()
    table = found.fit_transform([dict.fromkeys(features, 1) for features, _ in rows])
    found.restrict(np.asarray((table > 0).sum(0)).ravel() >= SEEN)
    table = found.transform([dict.fromkeys(features, 1) for features, _ in rows])
    return found, LogisticRegression(C=INVERSE_RIDGE, max_iter=300).fit(table, [label for _, label in rows])


def _fitted(rows: Rows) -> dict[str, Any]:
    found, model = _model(rows)
    weights = {
        str(name): [round(float(value), 2) for value in column]
        for name, column in zip(found.get_feature_names_out(), model.coef_.T, strict=True)
        if np.abs(column).max() >= 0.03
    }
    return {
        "kinds": list(model.classes_),
        "bias": [round(float(value), 3) for value in model.intercept_],
        "weights": weights,
    }


def _loss(rows: Rows) -> float:
    """Of the rows left out, in nats."""
    cut = int(len(rows) * (1 - HELD_OUT))
    fitted = _fitted(rows[:cut])
    habit = habits.Habit(tuple(fitted["kinds"]), tuple(fitted["bias"]), fitted["weights"])
    told = [habit.log_shares(features)[label] for features, label in rows[cut:]]
    return round(-math.fsum(told) / len(told), 4)


if __name__ == "__main__":
    sys.exit(main())
