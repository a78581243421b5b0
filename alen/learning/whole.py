"""All weights of a model learn, beside some of what was learnt before. Axes: B texts, T tokens, D model, V words."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from alen.errors import WorkError
from alen.learning.lessons import Lesson, batches, laid_out
from alen.learning.optimizer import OptimizerConfig, make_optimizer, set_rate
from alen.learning.report import LearningReport
from alen.learning.schedule import factor
from alen.neural.loss import cross_entropy
from alen.neural.transformer import Transformer
from alen.types import CancelToken

Progress = Callable[[str, int, int], None]

STEP_TOKENS = 1024
"""Tokens of an update."""

PAST_TOKENS = 2**16
"""Tokens of earlier texts that are kept to be learnt again."""

REPLAYED = 0.25
"""Share of earlier texts in what is learnt."""

UPDATES, LEAST_PASSES = 100, 3
"""What is short is learnt in so many updates, what is long in so many passes."""

CLIP = 1.0
_LR, _WIDTH = 3e-3, 64
"""The peak at this width; wider models take smaller steps (Yang et al., 2022, "Tensor Programs V")."""


class WholeLearner:
    """Keeps its optimizer and some of what it learnt from one call to the next."""

    def __init__(self, model: Transformer, *, lr: float | None = None, seed: int = 0) -> None:
        self.model = model
        peak = lr or _LR * math.sqrt(_WIDTH / max(_WIDTH, model.config.d_model))
        self._config = OptimizerConfig(lr=peak, weight_decay=0.01)
        self._optimizer: torch.optim.Optimizer | None = None
        self._chance = random.Random(seed)
        self.past: list[Lesson] = []

    def learn(
        self,
        lessons: Sequence[Lesson],
        *,
        words: int,
        passes: int | None = None,
        lock: AbstractContextManager[object] | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> LearningReport:
        """``passes`` times over ``lessons``, by default as often as makes ``UPDATES``. ``words`` tokens are known, the
        others cannot follow. ``lock`` is held while a step is computed. A cancel keeps what was learnt so far. Raises
        WorkError, with the weights as they were before the step, when the loss is no number."""
        lock, started = lock if lock is not None else nullcontext(), time.perf_counter()
        past = self._chance.sample(self.past, min(len(self.past), 32))
        with lock:
            self.model.requires_grad_(True)
            if self._optimizer is None:
                self._optimizer = make_optimizer(self.model, self._config)
            before, past_before = self.loss(lessons, words), self.loss(past, words)
        first = self._round(lessons)
        passes = passes or max(LEAST_PASSES, math.ceil(UPDATES / len(first)))
        rounds = [first, *(self._round(lessons) for _ in range(passes - 1))]
        total, step, tokens = sum(map(len, rounds)), 0, 0
        for batch in (batch for each in rounds for batch in each):
            if cancel is not None and cancel.is_set():
                break
            with lock:
                set_rate(self._optimizer, factor(step, total, schedule="linear", warm_up=min(10, total // 10)))
                self._step(batch, words)
            step, tokens = step + 1, tokens + sum(lesson.learnt for lesson in batch)
            if progress is not None:
                progress("learning", step, total)
        self._keep(lessons)
        with lock:
            after, past_after = self.loss(lessons, words), self.loss(past, words)
            self.model.requires_grad_(False)
        return LearningReport(
            tokens=tokens,
            steps=step,
            seconds=time.perf_counter() - started,
            before=before,
            after=after,
            past_before=past_before if past else None,
            past_after=past_after if past else None,
            stopped=step < total,
        )

    @torch.no_grad()
    def loss(self, lessons: Sequence[Lesson], words: int) -> float:
        """The mean over all tokens that are learnt, in nats; NaN of none."""
        self.model.eval()
        found = 0.0
        for batch in batches(lessons, STEP_TOKENS, random.Random(0)):
            found += self._loss(batch, words).item() * sum(lesson.learnt for lesson in batch)
        count = sum(lesson.learnt for lesson in lessons)
        return found / count if count else math.nan

    def _round(self, lessons: Sequence[Lesson]) -> list[list[Lesson]]:
        wanted = REPLAYED / (1 - REPLAYED) * sum(lesson.learnt for lesson in lessons)
        again: list[Lesson] = []
        for lesson in self._chance.sample(self.past, len(self.past)):
            if wanted <= 0:
                break
            again.append(lesson)
            wanted -= lesson.learnt
        return list(batches([*lessons, *again], STEP_TOKENS, self._chance))

    def _step(self, batch: Sequence[Lesson], words: int) -> None:
        assert self._optimizer is not None
        self.model.train()
        loss = self._loss(batch, words)
        if not math.isfinite(loss.item()):
            self.model.eval()
            raise WorkError("The loss is no number any more.", "Learn with a smaller learning rate.")
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.model.eval()

    def _loss(self, batch: Sequence[Lesson], words: int) -> Tensor:
        tokens_BT, targets_BT = laid_out(batch, self.model.embedding.weight.device)
        hidden_BTD = self.model.hidden(tokens_BT)
        return cross_entropy(hidden_BTD.flatten(0, 1), self.model.output_weight[:words], targets_BT.flatten())

    def _keep(self, lessons: Sequence[Lesson]) -> None:
        """A sample of everything that was learnt, the new among it, of a bounded number of tokens."""
        known = set(self.past)
        self.past += [lesson for lesson in lessons if lesson not in known]
        held = sum(len(lesson.tokens) for lesson in self.past)
        while held > PAST_TOKENS:
            held -= len(self.past.pop(self._chance.randrange(len(self.past))).tokens)
