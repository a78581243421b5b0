"""Word problems with a number for an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from alen.benchmark.tasks.item import Row, rows_of
from alen.text.grading import normalise_answer

_OPERATOR = re.compile(r"(?<=[\d)])\s*([-+*/=x])\s*(?=[\d(])")
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?$")


def asdiv(*grades: str) -> Callable[[Path], list[Row]]:
    """Miao et al., 2020, school grades 1 to 6. Problems that differ in their numbers alone stay together."""

    def read(folder: Path) -> list[Row]:
        rows = []
        for row in rows_of(folder / "asdiv" / "test.jsonl"):
            number = row["answer"].partition("(")[0].strip()
            if row["grade"] in grades and _PLAIN_NUMBER.match(number):
                rows.append(replace(_row(row["id"], row["question"], number), answer=_worked(row["formula"], number)))
        return rows

    return read


def _worked(formula: str, number: str) -> str:
    """An example shows how: "7 + 2 = 9"."""
    return _OPERATOR.sub(r" \1 ", formula) if formula.endswith(f"={number}") else number


def gsm8k(folder: Path) -> list[Row]:
    """Cobbe et al., 2021, the test questions."""
    rows = rows_of(folder / "gsm8k" / "test.jsonl")
    return [_row(f"{number}", row["question"], row["answer"]) for number, row in enumerate(rows)]


def objects(folder: Path) -> list[Row]:
    """Suzgun et al., 2023: how many of a list of things there are."""
    rows = [row for row in rows_of(folder / "bbh" / "test.jsonl") if row["task"] == "object_counting"]
    return [_row(f"{row['i']}", row["question"], row["answer"]) for row in rows]


def _row(name: str, question: str, answer: str) -> Row:
    return Row(name, re.sub(r"\d+", "#", normalise_answer(question)), question, answer, (answer,))
