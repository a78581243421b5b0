"""Texts to be labelled: sentiment, kinds of questions, entailment, yes or no."""

from __future__ import annotations

from pathlib import Path

from alen.benchmark.tasks.item import Row, rows_of
from alen.text.grading import normalise_answer

YES_NO = ("yes", "no")
SENTIMENTS = ("negative", "positive")
KINDS = {
    "ABBR": "abbreviation",
    "DESC": "description",
    "ENTY": "thing",
    "HUM": "person",
    "LOC": "place",
    "NUM": "number",
}
RELATIONS = {"entailment": "yes", "contradiction": "no", "neutral": "maybe"}


def sst2(folder: Path) -> list[Row]:
    """Socher et al., 2013: sentences of film reviews."""
    rows = [row for file in ("dev", "train") for row in rows_of(folder / "sst2" / f"{file}.jsonl")]
    return [_row(number, row["text"], SENTIMENTS[row["label"]], SENTIMENTS) for number, row in enumerate(rows)]


def trec(folder: Path) -> list[Row]:
    """Li and Roth, 2002: what kind of answer a question asks for."""
    rows = rows_of(folder / "trec_qc" / "train_txt.jsonl")
    labels = tuple(KINDS.values())
    return [_row(number, row["question"], KINDS[row["coarse"]], labels) for number, row in enumerate(rows)]


def sick(folder: Path) -> list[Row]:
    """Marelli et al., 2014: whether a sentence follows from another."""
    rows = rows_of(folder / "sick" / "train.jsonl")
    labels = tuple(RELATIONS.values())
    return [
        _row(number, f"{row['a']}.\nDoes it follow that: {row['b']}?", RELATIONS[row["label"]], labels)
        for number, row in enumerate(rows)
    ]


def rte(folder: Path) -> list[Row]:
    """Dagan et al., 2006: whether a hypothesis follows from a text."""
    rows = rows_of(folder / "rte" / "all.jsonl")
    return [
        _row(
            number,
            f"{row['premise']}\nDoes it follow that: {row['hypothesis']}?",
            YES_NO[not row["entailment"]],
            YES_NO,
            row["premise"],
        )
        for number, row in enumerate(rows)
    ]


def strategyqa(folder: Path) -> list[Row]:
    """Geva et al., 2021: yes or no, after steps that the question does not name."""
    rows = [row for file in ("dev", "train") for row in rows_of(folder / "strategyqa" / f"{file}.jsonl")]
    return [_row(row["id"], row["question"], YES_NO[not row["answer"]], YES_NO) for row in rows]


def strategyqa_facts(folder: Path) -> list[Row]:
    """The same with the facts that decide it."""
    rows = [row for file in ("dev", "train") for row in rows_of(folder / "strategyqa" / f"{file}.jsonl")]
    return [
        _row(row["id"], f"{' '.join(row['facts'])}\n{row['question']}", YES_NO[not row["answer"]], YES_NO)
        for row in rows
    ]


def selfaware(folder: Path) -> list[Row]:
    """Yin et al., 2023: whether a question has an answer that is known."""
    rows = rows_of(folder / "selfaware" / "test.jsonl")
    return [_row(row["id"], row["question"], YES_NO[not row["answerable"]], YES_NO) for row in rows]


def _row(name: object, question: str, answer: str, labels: tuple[str, ...], group: str = "") -> Row:
    return Row(str(name), normalise_answer(group or question), question, answer, (answer,), labels)
