"""What a decoder of thoughts knows of 200 answers when memory is not asked, and what it does for a language model.

Axes: N texts, K mixed (the language model, the decoder, memory).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark.facts import facts
from alen.benchmark.harness import Report
from alen.benchmark.rewording import reword
from alen.engine import Engine
from alen.errors import BadInput
from alen.generation import mixture
from alen.hybrid_writer import Held, HybridWriter
from alen.language_model import LargeLanguageModel
from alen.latent_decoder import LatentDecoder
from alen.thought import ThoughtState
from alen.validation.intervals import Estimate, bootstrap

COUNT = 200
UNRELATED = 40
"""Paragraphs that say what becomes of other texts: as many to fit shares with, as many to measure on."""

RECALLED = 4
_LEAST = 12
_MOST = 60
"""Words of a paragraph that is continued."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``group`` numbers the taught pair that a question belongs to."""

    group: int
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is taught, and what is asked in other words; ``wordings`` says whose these are."""

    taught: tuple[Asked, ...]
    asked: tuple[Asked, ...]
    wordings: str


def made_up(seed: int = 0) -> Lessons:
    """Facts that are nowhere else, with two written wordings each that training never makes."""
    found = facts(seed)[:COUNT]
    taught = tuple(Asked(n, fact.question, fact.answer) for n, fact in enumerate(found))
    asked = tuple(Asked(n, other, fact.answer) for n, fact in enumerate(found) for other in fact.paraphrases)
    return Lessons(taught, asked, "two written by hand for each relation")


def searched(file: Path, seed: int = 0) -> Lessons:
    """Questions that people typed into a search engine (WebQuestions), with their first answer, reworded by rules.
    Raises BadInput when the file has too few."""
    chance = random.Random(seed)
    rows = [json.loads(line) for line in _read(file).splitlines()]
    known: dict[str, str] = {row["question"]: row["answers"][0] for row in rows if "http" not in row["answers"][0]}
    if len(known) < COUNT:
        raise BadInput(str(file), f"{len(known)} questions", f"at least {COUNT}", "Give trainmodel.jsonl.")
    chosen = chance.sample(sorted(known), COUNT)
    taught = tuple(Asked(n, question, known[question]) for n, question in enumerate(chosen))
    asked = []
    for pair in taught:
        question = pair.question[:1].upper() + pair.question[1:]
        others = {reword(question, chance) for _ in range(20)} - {question, pair.question}
        asked += [Asked(pair.group, other, pair.answer) for other in sorted(others)[:2]]
    return Lessons(taught, tuple(asked), "by the rules of alen/benchmark/rewording.py")


def teach(engine: Engine, lessons: Lessons) -> None:
    engine.teach(qa=[{"question": pair.question, "answer": pair.answer} for pair in lessons.taught])


def said(decoder: LatentDecoder, thoughts: Sequence[ThoughtState], asked: Sequence[Asked]) -> np.ndarray:
    """float64 (N,): 1 where the decoder writes the answer word for word."""
    texts = decoder.fitted.write(thoughts)
    return np.array([float(text == each.answer) for text, each in zip(texts, asked, strict=True)])


def looked_up(thoughts: Sequence[ThoughtState], asked: Sequence[Asked], known_ND: np.ndarray) -> np.ndarray:
    """float64 (N,): 1 where the nearest taught question is the right one: what a table of vectors would answer."""
    vectors = np.stack([thought.vector for thought in thoughts])
    nearest = (vectors @ known_ND.T).argmax(axis=1)
    return np.array([float(place == each.group) for place, each in zip(nearest.tolist(), asked, strict=True)])


def thoughts_of(engine: Engine, questions: Sequence[str]) -> list[ThoughtState]:
    return [ThoughtState.from_input(question, encoder=engine.encoder) for question in questions]


class Hybrid:
    """Shares are fitted on half of the pairs, in other words than taught, and on paragraphs of ``other``; the other
    half and paragraphs of ``unrelated`` are measured."""

    def __init__(
        self, engine: Engine, model: LargeLanguageModel, decoder: LatentDecoder, lessons: Lessons, report: Report
    ) -> None:
        self._engine, self._report = engine, report
        known_ND = np.asarray(engine.encoder.encode([pair.question for pair in lessons.taught]), dtype=np.float32)
        self.writer = HybridWriter(model, decoder.fitted, known_ND)
        self._lessons = lessons

    def fit(self, other: Path, seed: int) -> mixture.Mixture:
        held = self.asked(fitting=True) + self.paragraphs(other, seed)
        told = [self._told("fitting shares", held, place) for place in range(len(held))]
        return self.writer.fit_told(told, [self.writer.unfamiliarity(each.thought) for each in held])

    def asked(self, *, fitting: bool) -> list[Held]:
        """Pairs with an even number are measured, the others fitted."""
        chosen = [each for each in self._lessons.asked if each.group % 2 == int(fitting)]
        return [self._held([{"role": "user", "content": each.question}], each.question, each.answer) for each in chosen]

    def paragraphs(self, file: Path, seed: int) -> list[Held]:
        """The second half of a paragraph after its first."""
        found = []
        for first, second in _halves(file, seed):
            asked = [{"role": "user", "content": f"Go on: {first}"}]
            found.append(self._held(asked, first, second))
        return found

    def losses(self, stage: str, held: Sequence[Held], *, memory: bool = True) -> np.ndarray:
        """float64 (N, 3): minus the log-likelihood of each text by the language model, by the hybrid, and its tokens.
        Without ``memory`` the shares are those of the two others alone."""
        found = []
        for place, each in enumerate(held):
            told_TK = self._told(stage, held, place)
            shares = np.array(self.writer.shares(each.thought, memory=memory))
            found.append((-told_TK[:, 0].sum(), -mixture.likelihood(told_TK, shares), len(told_TK)))
        return np.array(found, dtype=np.float64)

    def _told(self, stage: str, held: Sequence[Held], place: int) -> np.ndarray:
        told_TK = self.writer.told(held[place])
        self._report(stage, place + 1, len(held))
        return told_TK

    def _held(self, messages: list[dict[str, str]], question: str, text: str) -> Held:
        hits = self._engine.memory.recall(question, RECALLED)
        answers = tuple((hit.episode.answer or "", hit.score) for hit in hits)
        return Held(messages, self._engine.think(question), text, answers)


def perplexity_ratio(losses: np.ndarray, groups: Sequence[object] | None = None) -> Estimate:
    """The hybrid's perplexity over the language model's, all tokens together, from what ``Hybrid.losses`` gives."""

    def ratio(alone: np.ndarray, mixed: np.ndarray, tokens: np.ndarray) -> float:
        return float(np.exp((mixed.sum() - alone.sum()) / tokens.sum()))

    return bootstrap(ratio, *losses.T, groups=groups, draws=1000)


def perplexities(losses: np.ndarray) -> dict[str, Any]:
    tokens = losses[:, 2].sum()
    names = ("language model", "hybrid")
    return {name: f"{np.exp(losses[:, place].sum() / tokens):.2f}" for place, name in enumerate(names)}


def _halves(file: Path, seed: int) -> list[tuple[str, str]]:
    """Paragraphs, each cut in the middle, in an order of chance."""
    text = _read(file).replace("<unk>", "")
    paragraphs = [" ".join(line.split()) for line in re.split(r"\n+", text)]
    long = [line.split()[:_MOST] for line in paragraphs if len(line.split()) >= 2 * _LEAST and "=" not in line]
    if len(long) < UNRELATED:
        raise BadInput(str(file), f"{len(long)} paragraphs", f"at least {UNRELATED}", "Give a longer text.")
    chosen = random.Random(seed).sample(long, UNRELATED)
    return [(" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])) for words in chosen]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise BadInput(str(file), error.strerror or str(error), "a file of text", "Check the folder.") from None
