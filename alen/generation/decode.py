"""The loop over tokens: prefill in chunks, then one token a step, until an end, a bound or a cancel.

Axes: B batch (1 here), T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from alen.errors import BadInput
from alen.generation.config import GenerationConfig
from alen.generation.sampling import choose, log_probability
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.types import CancelToken

PREFILL_CHUNK = 512
"""Tokens of a prompt that are read between two looks at the cancel token."""


class CausalModel(Protocol):
    """What the loop needs of a model; Transformer is one."""

    @property
    def config(self) -> TransformerConfig: ...
    def __call__(self, tokens_BT: Tensor, *, cache: KVCache | None = None, last_only: bool = False) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A new token and the natural log of the probability the model gave it."""

    token: int
    logprob: float


def decode(
    model: CausalModel,
    prompt: Sequence[int],
    config: GenerationConfig,
    *,
    end_tokens: Sequence[int] = (),
    cancel: CancelToken | None = None,
    lock: AbstractContextManager[object] | None = None,
    use_cache: bool = True,
) -> Generator[Step, None, str]:
    """Yield new tokens one by one; the generator's value is the reason for the end: ``stop``, ``length`` or
    ``cancelled``. An end token is not yielded. ``lock`` is held only while the model computes, so that other requests
    and a change of weights can come between two tokens. ``use_cache=False`` recomputes everything for every token.

    Raises BadInput when the prompt is empty or does not fit."""
    if not prompt:
        raise BadInput("prompt", "no tokens", "at least one token", "Write something to continue.")
    budget = config.budget(len(prompt), model.config.max_seq_len)
    least, ends = config.least(len(prompt)), config.end_tokens(end_tokens)
    return _steps(_Reader(model, len(prompt) + budget, lock, use_cache), prompt, config, budget, least, ends, cancel)


def _steps(
    reader: _Reader,
    prompt: Sequence[int],
    config: GenerationConfig,
    budget: int,
    least: int,
    ends: frozenset[int],
    cancel: CancelToken | None,
) -> Generator[Step, None, str]:
    random = None
    if not config.is_greedy:
        random = torch.Generator()
        random.manual_seed(config.seed) if config.seed is not None else random.seed()
    logits_V = None
    for start in range(0, len(prompt), PREFILL_CHUNK):
        if cancel is not None and cancel.is_set():
            return "cancelled"
        logits_V = reader.read(prompt[start : start + PREFILL_CHUNK])
    seen = list(prompt)
    for count in range(budget):
        if cancel is not None and cancel.is_set():
            return "cancelled"
        if logits_V is None:
            logits_V = reader.read(seen[-1:])
        step = _next(logits_V, config, random, seen, ends if count < least else frozenset())
        if step.token in ends:
            return "stop"
        seen.append(step.token)
        logits_V = None
        yield step
    return "length"


@torch.inference_mode()
def _next(
    logits_V: Tensor,
    config: GenerationConfig,
    random: torch.Generator | None,
    seen: Sequence[int],
    forbidden: frozenset[int],
) -> Step:
    allowed_V = logits_V
    if forbidden:
        allowed_V = logits_V.index_fill(0, torch.tensor(sorted(forbidden)), float("-inf"))
    token = choose(allowed_V, config, random, seen if config.repetition_penalty != 1.0 else ())
    return Step(token, log_probability(logits_V, token))


class _Reader:
    """Feeds tokens to the model and returns the logits after the last one."""

    def __init__(
        self, model: CausalModel, capacity: int, lock: AbstractContextManager[object] | None, use_cache: bool
    ) -> None:
        self.model = model
        self.lock = lock if lock is not None else nullcontext()
        self.cache = KVCache.allocate(model.config, 1, capacity, _dtype(model)) if use_cache else None
        self.tokens: list[int] = []

    # The mode is entered anew for every call: held across a yield it would leak into the caller's own code.
    @torch.inference_mode()
    def read(self, tokens: Sequence[int]) -> Tensor:
        if self.cache is None:
            self.tokens += tokens
            tokens = self.tokens
        with self.lock:
            return self.model(torch.tensor([list(tokens)]), cache=self.cache, last_only=True)[0, -1].float()


def _dtype(model: CausalModel) -> torch.dtype:
    parameters = getattr(model, "parameters", None)
    return next(parameters()).dtype if parameters is not None else torch.float32
