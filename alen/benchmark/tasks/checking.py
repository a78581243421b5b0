"""Answers to be judged, right and wrong ones: what a model knows does not decide how many are right."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from alen.benchmark.tasks import choosing, counting
from alen.benchmark.tasks.item import Row, rows_of
from alen.core.fitting import unit
from alen.text.grading import normalise_answer

SYSTEMS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def commonsenseqa(folder: Path) -> list[Row]:
    """The right option and one of the wrong ones; the others are not shown."""
    return [_one_of_each(replace(row, options=()), row.options) for row in choosing.commonsenseqa(folder)]


def truthfulqa(folder: Path) -> list[Row]:
    """The best answer and one of those that people get wrong (Lin et al., 2022)."""
    rows = []
    for number, row in enumerate(rows_of(folder / "truthfulqa" / "generation.jsonl")):
        asked, best = row["question"], row["best"]
        made = Row(f"{number}", normalise_answer(asked), asked, best, tuple(row["correct"]))
        rows.append(_one_of_each(made, row["incorrect"]))
    return rows


def gsm8k_solutions(folder: Path) -> list[Row]:
    """Four published solutions of each problem, as they were graded (Cobbe et al., 2021). Problems that differ in their
    numbers alone stay together."""
    rows = counting.gsm8k(folder)
    published = list(rows_of(folder / "gsm8k" / "model_solutions.jsonl"))
    judged = [tuple((row[name]["solution"], bool(row[name]["correct"])) for name in SYSTEMS) for row in published]
    return [
        replace(row, question=found["question"], judged=solutions)
        for row, found, solutions in zip(rows, published, judged, strict=True)
    ]


def halueval(folder: Path) -> list[Row]:
    """Replies of a large model in which people did or did not find something made up (Li et al., 2023), as many of
    each."""
    rows: dict[str, list[Row]] = {"yes": [], "no": []}
    for row in rows_of(folder / "halueval" / "general.jsonl"):
        asked, reply = row["user_query"], row["chatgpt_response"]
        judged = ((reply, row["hallucination"] == "no"),)
        rows[row["hallucination"]].append(Row(row["ID"], normalise_answer(asked), asked, reply, (), judged=judged))
    few = min(map(len, rows.values()))
    return [row for kind in rows.values() for row in sorted(kind, key=lambda row: unit(row.id))[:few]]


def _one_of_each(row: Row, answers: tuple[str, ...] | list[str]) -> Row:
    wrong = random.Random(row.id).choice([answer for answer in answers if answer not in row.golds])
    return replace(row, judged=((row.answer, True), (wrong, False)))
