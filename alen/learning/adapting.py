"""A trained model learns something more and stays what it was: adapters in its upper layers, held near the model's own
texts, and taken back when too much was forgotten.

Axes: N texts, T tokens, D model, V words.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.errors import WorkError
from alen.learning.lessons import Lesson
from alen.learning.optimizer import OptimizerConfig, make_optimizer, set_rate
from alen.learning.report import LearningReport
from alen.learning.schedule import factor
from alen.learning.shared import SharedRow, beginning, side_by_side
from alen.neural import lora
from alen.neural.loss import cross_entropy
from alen.neural.transformer import Transformer
from alen.types import CancelToken

Progress = Callable[[str, int, int], None]

ROW = 512
"""Places of a row beside its beginning: attention within it costs their square."""

PASSES = 28

RANK, ALPHA = 16, 32.0
LR = 2e-3
CLIP = 1.0
OWN_A_STEP = 6
"""Texts of the model's own beside the lessons of an update."""

NEARNESS = 6.0
"""What a nat away from the model's own texts weighs beside a nat of the lessons."""

HELD_OUT = 4
"""One own text in so many is never trained on: on these it is measured what was forgotten."""

BOUND = 0.009
"""Nats a token that the model may move away from what it was on its own texts. The perplexity of any other text rises
by about as much: 0.9 per cent."""

WEAKEST = 0.5
"""What was learnt is weakened at most so far to keep to the bound; what would need more is taken back."""

REPLAYED = 64
"""Earlier lessons that stand beside new ones during a call: in each pass as many of them as make a row, or as long as
the new ones are."""

MOST_PAST = 2000
"""Earlier lessons that are remembered."""

_Forms = Sequence[Lesson]


class AdapterLearner:
    """``own`` are texts as the model writes them, tokens of one length (N, T). The lower three fifths of the layers
    stay as they are, so that what they make of a text is computed once. Each call goes on with the adapters of the one
    before: what is learnt bit by bit moves the model no further than what is learnt at once."""

    def __init__(self, model: Transformer, own: Tensor, *, seed: int = 0) -> None:
        self.model = model
        self.first = model.config.num_layers * 3 // 5
        self._chance = random.Random(seed)
        self._shared, self._beginning_TD = 0, torch.empty(0)
        self._below: dict[tuple[int, ...], Tensor] = {}
        self._past: dict[tuple[int, ...], _Forms] = {}
        self._unfold: Callable[[], None] | None = None
        with torch.no_grad():
            self._own = torch.cat([model.passed(model.embedded(part), 0, self.first) for part in own.split(16)])
            self._meant = torch.cat([self._upper(part) for part in self._own.split(16)])

    def learn(
        self,
        forms: Sequence[_Forms],
        *,
        passes: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> LearningReport:
        """``passes`` times over all of ``forms``, each time in one of its forms, beside some of what was learnt before.
        What was learnt is folded into the weights, or nothing is when forgetting went beyond ``BOUND``. Raises
        WorkError, with the weights as they were, when the loss is no number."""
        started, plain = time.perf_counter(), [each[0] for each in forms]
        past = self._replayed(plain)
        self._prepare([lesson for each in (*past, *forms) for lesson in each])
        before, past_before = self._loss(plain), self.moved()
        earlier, kept = self._take_up(), False
        try:
            optimizer = make_optimizer(self.model, OptimizerConfig(lr=LR, weight_decay=0.0, betas=(0.9, 0.98)))
            steps = [rows for _ in range(passes or PASSES) for rows in self._pass(forms, past)]
            done = tokens = 0
            for lessons in steps:
                if cancel is not None and cancel.is_set():
                    break
                set_rate(optimizer, factor(done, len(steps), schedule="linear", warm_up=min(5, len(steps) // 4)))
                self._step(lessons, optimizer)
                done, tokens = done + 1, tokens + sum(lesson.learnt for lesson in lessons)
                if progress is not None:
                    progress("learning", done, len(steps))
            strength, past_after = self._eased()
            after, kept = self._loss(plain), past_after <= BOUND
        finally:
            self._put_away(None if kept else earlier)
            self._below.clear()
        if kept:
            self._past |= {_asked(each[0]): each for each in forms}
            self._past = dict(list(self._past.items())[-MOST_PAST:])
        return LearningReport(
            tokens=tokens,
            steps=done,
            seconds=time.perf_counter() - started,
            before=before,
            after=after,
            past_before=past_before,
            past_after=past_after,
            kept=kept,
            strength=strength,
            stopped=done < len(steps),
        )

    def _take_up(self) -> list[Tensor]:
        """Attach the adapters of the call before and tell their values, or new ones, which have none to go back to."""
        if self._unfold is not None:
            self._unfold()
            return [parameter.detach().clone() for parameter in lora.parameters(self.model)]
        # Random directions must not depend on what was drawn before, nor change what is drawn after.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._chance.randrange(2**31))
            lora.attach(self.model, RANK, ALPHA, first=self.first)
        return []

    def _put_away(self, earlier: Sequence[Tensor] | None) -> None:
        """Fold the adapters into the weights: what they have learnt, or what they were ``earlier``."""
        if earlier is not None:
            if not earlier:
                lora.detach(self.model)
                return
            with torch.no_grad():
                for parameter, value in zip(lora.parameters(self.model), earlier, strict=True):
                    parameter.copy_(value)
        self._unfold = lora.fold_for_now(self.model)

    def _replayed(self, plain: Sequence[Lesson]) -> list[_Forms]:
        """Lessons of earlier calls, each as it is and in one other form; what is learnt anew is not among them."""
        new = {_asked(lesson) for lesson in plain}
        past = [forms for asked, forms in self._past.items() if asked not in new]
        some = self._chance.sample(past, min(REPLAYED, len(past)))
        return [(forms[0], self._chance.choice(forms)) for forms in some]

    @torch.no_grad()
    def moved(self) -> float:
        """Nats a token (Kullback and Leibler) between what the model was and what it is, on own texts held out."""
        parts = [self._apart(at).item() for at in torch.arange(0, len(self._own), HELD_OUT).split(8)]
        return sum(parts) / len(parts)

    def _eased(self) -> tuple[float, float]:
        """How strongly what was learnt may count, at most 1, and how far the model has moved then. The way grows with
        the square of the strength, or nearly."""
        strength, moved = 1.0, self.moved()
        while moved > BOUND and strength * math.sqrt(BOUND / moved) >= WEAKEST:
            eased = 0.97 * math.sqrt(BOUND / moved)
            with torch.no_grad():
                for adapter in lora.adapters(self.model):
                    adapter.B_NR.mul_(eased)
            strength, moved = strength * eased, self.moved()
        return strength, moved

    def _pass(self, forms: Sequence[_Forms], past: Sequence[_Forms]) -> list[list[Lesson]]:
        new = [self._chance.choice(each) for each in self._chance.sample(forms, len(forms))]
        room = max(ROW, sum(len(lesson.tokens) for lesson in new))
        for each in self._chance.sample(past, len(past)):
            lesson = self._chance.choice(each)
            room -= len(lesson.tokens)
            if room >= 0:
                new.insert(self._chance.randrange(len(new) + 1), lesson)
        return _rows(new, self._shared)

    def _step(self, lessons: Sequence[Lesson], optimizer: torch.optim.Optimizer) -> None:
        loss = self._lesson_loss(lessons)
        if not math.isfinite(loss.item()):
            raise WorkError("The loss is no number any more.", "Learn fewer things at once.")
        loss.backward()
        trained = [place for place in range(len(self._own)) if place % HELD_OUT]
        apart = self._apart(torch.tensor(self._chance.sample(trained, min(OWN_A_STEP, len(trained)))))
        (NEARNESS * apart).backward()
        nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _apart(self, texts_N: Tensor) -> Tensor:
        weight_VD = self.model.output_weight
        meant = F.log_softmax(self._meant[texts_N].flatten(0, 1) @ weight_VD.T, -1)
        now = F.log_softmax(self._upper(self._own[texts_N]).flatten(0, 1) @ weight_VD.T, -1)
        return F.kl_div(now, meant, log_target=True, reduction="batchmean")

    @torch.no_grad()
    def _loss(self, lessons: Sequence[Lesson]) -> float:
        found = 0.0
        for at in range(0, len(lessons), 8):
            part = lessons[at : at + 8]
            found += self._lesson_loss(part).item() * sum(lesson.learnt for lesson in part)
        return found / sum(lesson.learnt for lesson in lessons)

    def _lesson_loss(self, lessons: Sequence[Lesson]) -> Tensor:
        row = side_by_side(lessons, self._shared)
        below_TD = torch.cat([self._beginning_TD, *(self._below[lesson.tokens] for lesson in lessons)])
        return cross_entropy(self._upper(below_TD[None], row)[0], self.model.output_weight, row.targets_T)

    @torch.no_grad()
    def _prepare(self, lessons: Sequence[Lesson]) -> None:
        """What the lower layers make of all lessons: it never changes."""
        self._shared = beginning(lessons)
        distinct = list({lesson.tokens: lesson for lesson in lessons}.values())
        for part in _rows(distinct, self._shared):
            row = side_by_side(part, self._shared)
            places = {"positions_BT": row.positions_T[None], "mask_BTS": row.mask_TS[None]}
            embedded = self.model.embedded(row.tokens_T[None], positions_BT=places["positions_BT"])
            below_TD = self.model.passed(embedded, 0, self.first, **places)[0]
            lengths = [self._shared, *(len(lesson.tokens) - 1 - self._shared for lesson in part)]
            self._beginning_TD, *own = below_TD.split(lengths)
            self._below |= {lesson.tokens: own_TD for lesson, own_TD in zip(part, own, strict=True)}

    def _upper(self, x_NTD: Tensor, row: SharedRow | None = None) -> Tensor:
        layers = self.model.config.num_layers
        if row is None:
            return self.model.finished(self.model.passed(x_NTD, self.first, layers))
        places = {"positions_BT": row.positions_T[None], "mask_BTS": row.mask_TS[None]}
        return self.model.finished(self.model.passed(x_NTD, self.first, layers, **places))


def _asked(lesson: Lesson) -> tuple[int, ...]:
    """By what a lesson is known: another answer to the same question takes its place, another text does not."""
    return lesson.tokens[: lesson.first] if lesson.first > 1 else lesson.tokens


def _rows(lessons: Sequence[Lesson], shared: int) -> list[list[Lesson]]:
    """In their order, as many together as stand in a row."""
    rows: list[list[Lesson]] = []
    size = 0
    for lesson in lessons:
        size += len(lesson.tokens) - shared
        if not rows or size > ROW:
            rows.append([])
            size = len(lesson.tokens) - shared
        rows[-1].append(lesson)
    return rows
