"""Questions answered in words: from a passage, from a conversation, from nothing but the model, by the next word."""

from __future__ import annotations

import re
from pathlib import Path

from alen.benchmark import locomo as conversations
from alen.benchmark import squad
from alen.benchmark.tasks.item import Row, rows_of
from alen.core.fitting import unit
from alen.text.grading import normalise_answer

CLOZE_WORDS = 24
CLOZE_LEAST = 4
"""Letters of a word that is asked for: shorter ones are nearly all of grammar."""
CLOZE_EVERY = 40

_SENTENCE_END = re.compile(r"[.!?:;]")


def squad2(folder: Path) -> list[Row]:
    """Rajpurkar et al., 2018, with the passage, answerable questions only. Paragraphs are the groups; articles that the
    readers were fitted on are held to the side that fits, all others to the test."""
    data = squad.load(folder / "squad2")
    seen = squad.TRAINING | squad.CALIBRATION
    return [
        Row(
            id=question.id,
            group=f"{question.article}/{question.passage}",
            question=question.text,
            answer=question.golds[0],
            golds=question.golds,
            context=data.passages[question.passage],
            pool="fit" if question.article in seen else "test",
        )
        for question in data.questions
        if not question.unanswerable
    ]


def locomo(folder: Path) -> list[Row]:
    """Maharana et al., 2024, with the turns that hold the answer. A conversation is a group."""
    turns = conversations.load(folder / "locomo")[0]
    said = {(turn.conversation, turn.name): f"{turn.speaker} ({turn.date}): {turn.text}" for turn in turns}
    rows = []
    for number, row in enumerate(rows_of(folder / "locomo" / "qa.jsonl")):
        shown = [said[row["conv"], name] for name in row["evidence"] if (row["conv"], name) in said]
        if shown and row["category"] != conversations.ADVERSARIAL and row["answer"] is not None:
            answer = str(row["answer"])
            rows.append(Row(f"{number}", row["conv"], row["question"], answer, (answer,), context="\n".join(shown)))
    return rows


def webquestions(folder: Path) -> list[Row]:
    """Berant et al., 2013, from the model alone."""
    rows = [row for file in ("trainmodel", "val") for row in rows_of(folder / "webquestions" / f"{file}.jsonl")]
    return [_closed(row["id"], row["question"], row["answers"]) for row in rows if row["answers"]]


def nq_open(folder: Path) -> list[Row]:
    """Kwiatkowski et al., 2019; Lee et al., 2019, from the model alone."""
    rows = rows_of(folder / "nq_open" / "dev.jsonl")
    return [_closed(f"{number}", row["question"], row["answers"]) for number, row in enumerate(rows)]


def next_word(folder: Path) -> list[Row]:
    """The next word of a speech, from the words before it in its sentence: inaugural and state of the union addresses.
    A paragraph is a group."""
    rows = []
    for name in ("inaugural", "state_union"):
        text = (folder / "lm_text" / f"{name}.txt").read_text("utf-8")
        for number, line in enumerate(text.splitlines()):
            words = line.split()
            for end in range(CLOZE_WORDS, len(words), CLOZE_EVERY):
                before, word = words[end - CLOZE_WORDS : end], words[end].strip('.,;:!?"()')
                asked = word.isalpha() and word.islower() and len(word) >= CLOZE_LEAST
                if asked and not _SENTENCE_END.search(before[-1]):
                    rows.append(
                        Row(f"{name}-{number}-{end}", f"{name}-{number}", " ".join(before), word.lower(), (word,))
                    )
    return sorted(rows, key=lambda row: unit(row.id))


def _closed(name: str, question: str, answers: list[str]) -> Row:
    return Row(name, normalise_answer(question), question, answers[0], tuple(answers))
