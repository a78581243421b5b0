"""Pairs of answers of which it is known whether they say the same, from public question-answering data."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.benchmark import squad
from alen.core.equivalence import normalise, overlap
from alen.thought import answer_type

REPORTED = 0.4
"""Share of the questions of a source without articles that is kept for the report."""
MOST_OF_A_QUESTION = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to ``question`` and whether they say the same. Pairs of one ``group`` (an article or a question) are
    never split between those that are fitted on and those that are ``reported``."""

    question: str
    first: str
    second: str
    same: bool
    source: str
    group: str
    reported: bool


def load(data: Path, *, seed: int = 0) -> list[Pair]:
    """Pairs of SQuAD 2, NQ-open's development set, WebQuestions and TruthfulQA, read from their folders in ``data``."""
    chance = random.Random(seed)
    found = [*of_squad(squad.load(data / "squad2"))]
    open_questions = _rows(data / "nq_open" / "dev.jsonl")
    found += of_lists(open_questions, "nq_open")
    found += neighbours(open_questions, "nq_open")
    found += altered(open_questions, "nq_open", chance)
    web = [row for part in ("trainmodel", "val", "devtest") for row in _rows(data / "webquestions" / f"{part}.jsonl")]
    found += of_entities(web, "webquestions", chance)
    found += of_claims(_rows(data / "truthfulqa" / "generation.jsonl"), "truthfulqa", chance)
    return found


def of_squad(data: squad.Data) -> Iterator[Pair]:
    """Spans that people marked for one question, against spans of the same passage for others and plausible wrong ones.

    Articles of ``squad.TRAINING`` are for fitting, those of ``squad.CALIBRATION`` for the report; no other is read."""
    passages: dict[str, list[squad.Question]] = {}
    for question in data.questions:
        if question.article in squad.TRAINING | squad.CALIBRATION:
            passages.setdefault(question.passage, []).append(question)
    for questions in passages.values():
        answered = [question for question in questions if question.golds]
        for question in answered:
            reported = question.article in squad.CALIBRATION

            def pair(first: str, second: str, same: bool, of: squad.Question = question, held: bool = reported) -> Pair:
                return Pair(of.text, first, second, same, "squad2", of.article, held)

            yield from (pair(a, b, True) for a, b in itertools.combinations(question.golds, 2) if tied(a, b))
            others = [other.golds[0] for other in answered if other is not question]
            others = [other for other in dict.fromkeys(others) if not _nested(other, question.golds)]
            nearest = sorted(others, key=lambda other: -_likeness(other, question.golds[0]))[:MOST_OF_A_QUESTION]
            yield from (pair(question.golds[0], other, False) for other in nearest)


def of_lists(rows: Sequence[dict[str, Any]], source: str) -> Iterator[Pair]:
    """Accepted answers of one question, of which only those with words or letters in common are taken to say the same:
    the lists also hold several right answers ("Roy Orbison", "Jeff Lynne")."""
    for row in rows:
        pairs = [pair for pair in itertools.combinations(row["answers"], 2) if tied(*pair)]
        for first, second in pairs[:MOST_OF_A_QUESTION]:
            yield _of(row["question"], first, second, True, source)


def neighbours(rows: Sequence[dict[str, Any]], source: str, count: int = 2) -> Iterator[Pair]:
    """Each question's first answer and the answers of other questions of the same type that are most alike in letters,
    where neither holds all words of the other."""
    kinds: dict[tuple[str, bool], list[tuple[str, str, frozenset[str]]]] = {}
    for row in rows:
        answer = row["answers"][0]
        key = answer_type(row["question"]), _is_reported(row["question"])
        kinds.setdefault(key, []).append((row["question"], answer, _grams(answer)))
    for members in kinds.values():
        for question, answer, grams in members:
            scored = sorted(
                ((2 * len(grams & other[2]) / ((len(grams) + len(other[2])) or 1), other[1]) for other in members),
                reverse=True,
            )
            near = [other for _, other in scored[: 10 * count] if not _nested(other, [answer])]
            for other in list(dict.fromkeys(near))[:count]:
                yield _of(question, answer, other, False, source)


def altered(rows: Sequence[dict[str, Any]], source: str, chance: random.Random) -> Iterator[Pair]:
    """Answers with one thing changed: a number, a first or last word taken from another answer, a place's first word
    left out, a first name alone."""
    pool = [words for words in (row["answers"][0].split() for row in rows) if 2 <= len(words) <= 4 and _named(words)]
    for row in rows:
        words, kind = row["answers"][0].split(), answer_type(row["question"])
        changed = list(words)
        digits = [at for at, word in enumerate(words) if word.isdecimal()]
        if digits and kind == "number":
            at = chance.choice(digits)
            changed[at] = str(int(words[at]) + chance.choice((-10, -2, -1, 1, 2, 10)))
        elif 2 <= len(words) <= 4 and kind in {"human", "location", "entity"} and _named(words):
            other = chance.choice(pool)
            way = chance.choice(("first", "last", "alone"))
            if way == "first":
                changed[0] = other[0]
            elif way == "last":
                changed[-1] = other[-1]
            elif kind == "human" and len(words) == 2:
                changed = words[:1]
            elif kind == "location" and words[0].lower() in {"new", "north", "south", "east", "west", "san", "saint"}:
                changed = words[1:]
        if normalise(" ".join(changed)) not in {normalise(answer) for answer in row["answers"]}:
            yield _of(row["question"], row["answers"][0], " ".join(changed), False, source)


def of_entities(rows: Sequence[dict[str, Any]], source: str, chance: random.Random) -> Iterator[Pair]:
    """Members of one question's list of answers: they are entities of Freebase, hence different things, however alike
    their names ("1990 NBA Finals", "2004 NBA Finals"). Half of a question's pairs are its most alike."""
    for row in rows:
        pairs = [pair for pair in itertools.combinations(row["answers"], 2) if normalise(pair[0]) != normalise(pair[1])]
        for first, second in _hardest(pairs, chance):
            yield _of(row["question"], first, second, False, source)


def of_claims(rows: Sequence[dict[str, Any]], source: str, chance: random.Random) -> Iterator[Pair]:
    """Right answers in much the same words against each other, right against wrong answers."""
    for row in rows:
        right = row["correct"]
        alike = [pair for pair in itertools.combinations(right, 2) if overlap(*pair) >= 0.5]
        for first, second in alike[:MOST_OF_A_QUESTION]:
            yield _of(row["question"], first, second, True, source)
        for first, second in _hardest(list(itertools.product(right, row["incorrect"])), chance):
            yield _of(row["question"], first, second, False, source)


def judged(file: Path) -> Iterator[tuple[str, list[str], str, bool]]:
    """(question, accepted answers, prediction, whether people called it definitely correct) of EfficientQA's test set
    (Min et al., 2021, arXiv:2101.00133). Only for measuring: nothing is fitted on it."""
    for row in _rows(file):
        for field, right in (("def_correct_predictions", True), ("def_incorrect_predictions", False)):
            for prediction in row[field]:
                yield row["question"], row["answer"], prediction, right


def tied(first: str, second: str) -> bool:
    """Written differently, but with a word, a third of their letters, or a number in common."""
    a, b = set(normalise(first).split()), set(normalise(second).split())
    return a != b and bool(a) and bool(b) and (bool(_content(a) & _content(b)) or _likeness(first, second) >= 0.33)


def _named(words: Sequence[str]) -> bool:
    return all(word[0].isupper() and word.isalpha() for word in words) and words[0] not in {"The", "A", "An"}


def _content(words: Iterable[str]) -> set[str]:
    return {word for word in words if len(word) > 3 or word.isdecimal()}


def _nested(one: str, others: Sequence[str]) -> bool:
    words = set(normalise(one).split())
    return any(words <= there or there <= words for there in (set(normalise(other).split()) for other in others))


def _hardest(pairs: list[tuple[str, str]], chance: random.Random) -> list[tuple[str, str]]:
    chance.shuffle(pairs)
    half = MOST_OF_A_QUESTION // 2
    alike = sorted(pairs, key=lambda pair: -overlap(*pair))
    return list(dict.fromkeys(alike[:half] + pairs[:half]))


def _of(question: str, first: str, second: str, same: bool, source: str) -> Pair:
    return Pair(question, first, second, same, source, question, _is_reported(question))


def _is_reported(question: str) -> bool:
    """By a hash of the question's words, so that no other row and no seed changes it."""
    digest = hashlib.sha256(normalise(question).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < REPORTED


def _grams(text: str) -> frozenset[str]:
    padded = f" {normalise(text)} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _likeness(first: str, second: str) -> float:
    one, two = _grams(first), _grams(second)
    return 2 * len(one & two) / ((len(one) + len(two)) or 1)


def _rows(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
