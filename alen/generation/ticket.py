"""A request under way: what it asks for, what came so far, why it ended.

Axes: V vocabulary.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from alen.generation.choosing import Chooser
from alen.generation.config import GenerationConfig
from alen.generation.drafting import NONE, Draft, Drafter
from alen.generation.hybrid import Mixer
from alen.types import CancelToken


@dataclass(frozen=True, slots=True)
class Step:
    """A new token and the natural log of the probability the model gave it. ``others`` are the likeliest tokens there
    with theirs, where they were asked for; ``margin`` and ``entropy``, where they were, as ``Completion`` says."""

    token: int
    logprob: float
    others: tuple[tuple[int, float], ...] = ()
    margin: float | None = None
    entropy: float | None = None


Sink = Callable[["Step | BaseException | None"], None]
"""Gets each token as it is chosen, what broke the request, and None at its end, in the thread of the batch."""

Watch = Callable[[Step], bool]
"""Hears each token as it is chosen, and may say that the text is over with it."""


@dataclass(slots=True, eq=False)
class Ticket:
    """Iterate for its tokens, from one thread, unless a ``sink`` gets them. ``reason`` is why it ended: ``stop``,
    ``length``, ``cancelled`` or ``error``. ``cached`` tokens of the prompt were known already; of ``drafted`` tokens
    ``accepted`` were taken, and ``quoted`` says how many from where. ``begun`` is a text that has
    read the prompt, ``text`` the batch's own. Only prompts of its ``owner`` were known to it. Tokens are chosen from
    what a ``mixer`` makes of the model's probabilities."""

    prompt: Sequence[int]
    config: GenerationConfig
    budget: int
    ends: frozenset[int]
    chooser: Chooser
    cancel: CancelToken | None = None
    drafter: Drafter | None = None
    watch: Watch | None = None
    detailed: bool = False
    sink: Sink | None = None
    begun: Any = None
    owner: str = ""
    mixer: Mixer | None = None
    tokens: list[int] = field(default_factory=list)
    reason: str = ""
    cached: int = 0
    drafted: int = 0
    accepted: int = 0
    quoted: dict[str, int] = field(default_factory=dict)
    text: Any = None
    others: list[Ticket] = field(default_factory=list)
    _closed: bool = False
    _steps: queue.SimpleQueue[Step | BaseException | None] = field(default_factory=queue.SimpleQueue)

    def __iter__(self) -> Iterator[Step]:
        """Raises what broke the request."""
        while True:
            step = self._steps.get()
            if step is None:
                return
            if isinstance(step, BaseException):
                raise step
            yield step

    def close(self) -> None:
        """Stop within a step. What came so far stays."""
        self._closed = True

    @property
    def is_stopped(self) -> bool:
        return self._closed or (self.cancel is not None and self.cancel.is_set())

    @property
    def is_read(self) -> bool:
        """Whether the model has read the prompt."""
        return self.text is not None and self.text.length >= len(self.prompt)

    def unread(self) -> list[int]:
        """Tokens, of the prompt or written, that the model has not read."""
        start = self.text.length
        if start >= len(self.prompt):
            return self.tokens[start - len(self.prompt) :]
        return [*self.prompt[start:], *self.tokens]

    def draft(self, rows: int, most: int) -> Draft:
        """At most ``most`` tokens, in a step of ``rows`` rows without them."""
        most = min(most, self.budget - len(self.tokens) - 1)
        return NONE if self.drafter is None or most <= 0 else self.drafter.propose(rows, most)

    def take(
        self, logits: Sequence[Tensor] | Tensor, best: Iterable[int], log_total: Iterable[float], draft: Draft
    ) -> bool:
        """Choose a token from each row as long as the one before it is what was drafted. Whether the text is over."""
        before, right = len(self.tokens), 0
        for place, (logits_V, likeliest, total) in enumerate(zip(logits, best, log_total, strict=True)):
            if self.mixer is not None:
                logits_V = self.mixer.mixed(logits_V - float(total), self.tokens)
                likeliest, total = int(logits_V.argmax()), 0.0
            token = self.chooser.choose(logits_V, int(likeliest))
            if token in self.ends:
                self.reason = "stop"
                break
            self.chooser.took(token)
            self.tokens.append(token)
            step = self._step(token, logits_V, float(total))
            self._put(step)
            drafted = place < len(draft.tokens) and token == draft.tokens[place]
            right += drafted
            if self.watch is not None and self.watch(step):
                self.reason = "stop"
            elif len(self.tokens) >= self.budget:
                self.reason = "length"
            if self.reason or not drafted:
                break
        self._note(draft, self.tokens[before:], right)
        return bool(self.reason)

    def end(self, reason: str | BaseException) -> None:
        """Nothing comes after this."""
        self.reason = reason if isinstance(reason, str) else "error"
        self._put(None if isinstance(reason, str) else reason)

    def _put(self, found: Step | BaseException | None) -> None:
        (self.sink or self._steps.put)(found)

    def _step(self, token: int, logits_V: Tensor, log_total: float) -> Step:
        others: tuple[tuple[int, float], ...] = ()
        if self.config.top_logprobs:
            values_K, ids_K = logits_V.topk(self.config.top_logprobs)
            others = tuple((i, value - log_total) for value, i in zip(values_K.tolist(), ids_K.tolist(), strict=True))
        margin = entropy = None
        if self.detailed:
            told_V = logits_V - log_total
            first, second = told_V.topk(2).values.tolist()
            margin, entropy = first - second, -float((told_V.exp() * told_V).nan_to_num().sum())
        return Step(token, float(logits_V[token]) - log_total, others, margin, entropy)

    def _note(self, draft: Draft, taken: Sequence[int], right: int) -> None:
        if self.drafter is not None:
            self.drafter.extend(taken)
            self.drafter.graded(draft, right)
        self.drafted += len(draft.tokens)
        self.accepted += right
        if right:
            self.quoted[draft.source] = self.quoted.get(draft.source, 0) + right
