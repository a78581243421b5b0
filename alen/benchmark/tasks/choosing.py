"""Questions with options: common sense, science, misconceptions, intents, and the harder tasks of BIG-bench."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from alen.benchmark.tasks.item import Row, in_hash_order, rows_of
from alen.text.grading import normalise_answer

_OPTION = re.compile(r"^(?:\(([A-Z])\)|-)\s*(.+?)\s*$", re.MULTILINE)
INTENTS = 12


def commonsenseqa(folder: Path) -> list[Row]:
    """Talmor et al., 2019. Questions about one concept stay together."""
    return [
        Row(
            id=row["id"],
            group=normalise_answer(row["concept"]),
            question=row["question"],
            answer=row["options"][row["answer"]],
            golds=(row["options"][row["answer"]],),
            options=tuple(row["options"].values()),
        )
        for row in rows_of(folder / "commonsenseqa" / "train.jsonl")
        if len(set(row["options"].values())) == len(row["options"])
    ]


def mmlu_stem(folder: Path) -> list[Row]:
    """Hendrycks et al., 2021: the subjects of science and mathematics."""
    return [
        _row(f"{number}", row["question"], row["choices"], row["choices"][row["answer"]])
        for number, row in enumerate(rows_of(folder / "mmlu_stem" / "test.jsonl"))
        if len(set(row["choices"])) == len(row["choices"])
    ]


def truthfulqa(folder: Path) -> list[Row]:
    """Lin et al., 2022, one right answer among false ones. The file names the right one first: it is shuffled."""
    rows = []
    for number, row in enumerate(rows_of(folder / "truthfulqa" / "mc.jsonl")):
        (right,) = (text for text, label in row["mc1"].items() if label)
        rows.append(_row(f"{number}", row["question"], _shuffled(list(row["mc1"]), f"{number}"), right))
    return rows


def clinc150(folder: Path) -> list[Row]:
    """Larson et al., 2019: what somebody wants, among twelve intents, the others drawn at random."""
    rows = [row for row in rows_of(folder / "clinc150" / "all.jsonl") if row["split"] in ("test", "val")]
    intents = in_hash_order(row["label"] for row in rows)
    made = []
    for number, row in enumerate(rows):
        others = random.Random(number).sample([each for each in intents if each != row["label"]], INTENTS - 1)
        options = [_spoken(each) for each in _shuffled([row["label"], *others], f"{number}")]
        made.append(_row(f"{number}", row["text"], options, _spoken(row["label"])))
    return made


def bbh(task: str) -> Callable[[Path], list[Row]]:
    """One task of BIG-Bench Hard (Suzgun et al., 2023) that has options, or yes and no for answers."""

    def read(folder: Path) -> list[Row]:
        found_rows = [row for row in rows_of(folder / "bbh" / "test.jsonl") if row["task"] == task]
        answers = in_hash_order(row["answer"] for row in found_rows)
        rows = []
        for row in found_rows:
            text, _, listed = row["question"].partition("\nOptions:")
            found = _OPTION.findall(listed)
            options = [option for _, option in found] or answers
            letters = {f"({letter})": option for letter, option in found if letter}
            answer = letters.get(row["answer"], row["answer"])
            answer = next((option for option in options if option.lower() == answer.lower()), None)
            if answer and len(set(options)) == len(options):
                # Some tasks ask the same of other options every time.
                rows.append(_row(f"{row['i']}", text, options, answer, f"{text} {' '.join(sorted(options))}"))
        return rows

    return read


def _row(name: str, question: str, options: Sequence[str], answer: str, group: str = "") -> Row:
    return Row(name, normalise_answer(group or question), question.strip(), answer, (answer,), tuple(options))


def _shuffled(options: list[str], seed: str) -> list[str]:
    random.Random(seed).shuffle(options)
    return options


def _spoken(intent: str) -> str:
    return intent.replace("_", " ")
