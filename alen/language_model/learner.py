"""What a language model learns from text: strings become lessons, and what learnt them goes on writing."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.errors import BadInput, CorruptWeights
from alen.generation.stepper import Stepper
from alen.language_model.own_texts import own_texts
from alen.learning.adapting import AdapterLearner
from alen.learning.lessons import Lesson, windows
from alen.learning.report import LearningReport
from alen.learning.whole import WholeLearner
from alen.neural.transformer import Transformer
from alen.text import rewording
from alen.text.byte_pairs import GrowingVocabulary
from alen.types import CancelToken

if TYPE_CHECKING:
    from alen.language_model.model import LargeLanguageModel

Progress = Callable[[str, int, int], None]
Pair = tuple[str, str]

WINDOW = 256
"""Tokens of a text that are read together, where the model has room for as many."""

FORMS = 6
"""Other forms of a question that a trained model learns the answer after."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model came from: ``load`` gives its weights in float32, ``remade`` what steps them once layers from some
    place on have changed, ``own`` is the file of its own texts."""

    load: Callable[[], Transformer]
    remade: Callable[[Transformer, int], Stepper | None]
    own: Path | None = None


class Learner:
    """Of one model. ``vocabulary`` is that of a model that began with nothing: all its weights learn, and its
    vocabulary grows. Any other learns by adapters and stays what it was."""

    def __init__(
        self, owner: LargeLanguageModel, vocabulary: GrowingVocabulary | None, source: Source | None = None
    ) -> None:
        self._owner, self._vocabulary, self._source = owner, vocabulary, source
        self._whole: WholeLearner | None = None
        self._adapter: AdapterLearner | None = None
        self._chance = random.Random(0)
        self._past: list[Lesson] = []
        self.tokens_seen = 0

    @classmethod
    def of(cls, owner: LargeLanguageModel, saved: Mapping[str, Any] | None, source: Source | None = None) -> Learner:
        """As ``to_json`` told, where a folder has it."""
        if saved is None:
            return cls(owner, None, source)
        try:
            made = cls(owner, GrowingVocabulary.from_json(saved["vocabulary"]), source)
            made.tokens_seen = int(saved["tokens_seen"])
            made._past = [Lesson(tuple(map(int, tokens)), int(first)) for tokens, first in saved["past"]]
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptWeights(
                f"{owner.name}: what it learnt cannot be read ({error!r}).", "Copy it again."
            ) from None
        return made

    def to_json(self) -> dict[str, Any] | None:
        if self._vocabulary is None:
            return None
        past = self._past if self._whole is None else self._whole.past
        return {
            "vocabulary": self._vocabulary.to_json(),
            "tokens_seen": self.tokens_seen,
            "past": [[list(lesson.tokens), lesson.first] for lesson in past],
        }

    def text(
        self, text: str, passes: int | None, progress: Progress | None, cancel: CancelToken | None
    ) -> LearningReport:
        """Raises BadInput for an empty text."""
        if not isinstance(text, str) or not text.strip():
            raise BadInput("text", repr(text), "a text with at least one word", "Give it something to learn.")
        self._grow(text)
        tokens = [*self._owner.begin, *self._owner.tokenizer.encode(text), *self._end()]
        lessons = windows(tokens, min(WINDOW, self._owner.context))
        return self._learnt([[lesson] for lesson in lessons], passes, progress, cancel)

    def pairs(
        self, pairs: Sequence[Pair], passes: int | None, progress: Progress | None, cancel: CancelToken | None
    ) -> LearningReport:
        """Raises BadInput for a pair without a question or an answer, or for one that is too long."""
        for place, pair in enumerate(pairs):
            for field, text in zip(("question", "answer"), pair, strict=True):
                if not isinstance(text, str) or not text.strip():
                    raise BadInput(f"pairs[{place}].{field}", repr(text), "a text with a word in it", "Fill it in.")
        self._grow("\n".join(f"{question} {answer}" for question, answer in pairs))
        return self._learnt([self._forms(place, *pair) for place, pair in enumerate(pairs)], passes, progress, cancel)

    def _forms(self, place: int, question: str, answer: str) -> list[Lesson]:
        """The question as it is, for a trained model also in other forms, each followed by the answer."""
        asked = [question.strip()]
        if self._vocabulary is None:
            asked += [rewording.reword(question, self._chance) for _ in range(FORMS)]
        return [self._lesson(place, each, answer.strip()) for each in asked]

    def _lesson(self, place: int, question: str, answer: str) -> Lesson:
        """As a turn of a chat where the model knows chats; else the answer follows its question after a space."""
        owner = self._owner
        if owner.tokenizer.chat_template is not None:
            asked = owner.tokenizer.encode(owner.chat_prompt([{"role": "user", "content": question}]))
        else:
            asked, answer = [*owner.begin, *owner.tokenizer.encode(question)], " " + answer
        lesson = Lesson((*asked, *owner.tokenizer.encode(answer), *self._end()), len(asked))
        if len(lesson.tokens) > owner.context:
            most = f"at most {owner.context:,}"
            raise BadInput(f"pairs[{place}]", f"{len(lesson.tokens):,} tokens", most, "Shorten it.")
        return lesson

    def _grow(self, text: str) -> None:
        if self._vocabulary is not None and self._vocabulary.learn(text):
            self._owner.tokenizer = self._vocabulary.tokenizer

    def _learnt(
        self,
        forms: Sequence[Sequence[Lesson]],
        passes: int | None,
        progress: Progress | None,
        cancel: CancelToken | None,
    ) -> LearningReport:
        if passes is not None and (not isinstance(passes, int) or passes < 1):
            raise BadInput("passes", repr(passes), "a whole number of at least 1", "Leave it out for the usual.")
        owner = self._owner
        remade: Stepper | None = None
        if self._vocabulary is None:
            adapters = self._adapters()
            report = adapters.learn(forms, passes=passes, progress=progress, cancel=cancel)
            if not report.kept:
                return report
            model = adapters.model
            if self._source is not None:
                remade = self._source.remade(model, adapters.first)
            if remade is None:
                # What learns is never what writes: adapters come and go in it.
                model = copy.deepcopy(model)
        else:
            whole, lessons = self._all_weights(), [each[0] for each in forms]
            words = owner.tokenizer.vocab_size
            report = whole.learn(lessons, words=words, passes=passes, lock=owner.lock, progress=progress, cancel=cancel)
            model = whole.model
        self.tokens_seen += report.tokens
        told = "".join(f"{lesson.first} {lesson.tokens}" for each in forms for lesson in each)
        fingerprint = hashlib.sha256(f"{owner.fingerprint} {report.steps} {told}".encode()).hexdigest()
        owner.changed(model, remade, fingerprint)
        return report

    def _all_weights(self) -> WholeLearner:
        if self._whole is None:
            # In float32: what writes may be rounded.
            source, writes = self._source, self._owner.writes_itself
            self._whole = WholeLearner(self._owner.model if source is None or writes else source.load())
            self._whole.past = self._past
        return self._whole

    def _adapters(self) -> AdapterLearner:
        if self._adapter is None:
            own = own_texts(self._owner, None if self._source is None else self._source.own)
            model = copy.deepcopy(self._owner.model) if self._source is None else self._source.load()
            self._adapter = AdapterLearner(model, own)
        return self._adapter

    def _end(self) -> tuple[int, ...]:
        end = self._owner.tokenizer.eos_id
        return () if end is None else (end,)
