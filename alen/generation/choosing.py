"""What one request does to logits before a token is chosen: penalties, biases, ends held back, a form it is held to.

Axes: V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from alen.generation.config import GenerationConfig
from alen.generation.sampling import choose

_NEVER = float("-inf")


class Constraint(Protocol):
    """Which tokens a form allows next. Forms that are complete allow end tokens."""

    def allowed(self) -> Tensor:
        """bool (V,)"""
        ...

    def took(self, token: int) -> None: ...


class Chooser:
    """``ends`` are held back for the first ``least`` tokens."""

    def __init__(
        self,
        config: GenerationConfig,
        prompt: Sequence[int],
        *,
        ends: frozenset[int],
        least: int,
        constraint: Constraint | None = None,
    ) -> None:
        self._config, self._prompt, self._ends, self._least = config, prompt, ends, least
        self._constraint = constraint
        self._written: Counter[int] = Counter()
        self._count = 0
        self._random = None
        if not config.is_greedy:
            self._random = torch.Generator()
            self._random.manual_seed(config.seed) if config.seed is not None else self._random.seed()
        biases = {token: bias for token, bias in config.logit_bias.items() if bias}
        self._biased = torch.tensor(list(biases), dtype=torch.long)
        self._biases = torch.tensor(list(biases.values()))

    def choose(self, logits_V: Tensor, best: int) -> int:
        """``best`` is the likeliest token of the logits as they are."""
        config = self._config
        plain = self._count >= self._least and self._constraint is None and not len(self._biased)
        counted = config.presence_penalty or config.frequency_penalty
        if config.is_greedy and plain and not counted and config.repetition_penalty == 1.0:
            return best
        return choose(self._changed(logits_V), config, self._random, self._seen())

    def took(self, token: int) -> None:
        self._count += 1
        self._written[token] += 1
        if self._constraint is not None:
            self._constraint.took(token)

    def _seen(self) -> Sequence[int]:
        return () if self._config.repetition_penalty == 1.0 else (*self._prompt, *self._written)

    def _changed(self, logits_V: Tensor) -> Tensor:
        changed_V, config = logits_V.clone(), self._config
        if (config.presence_penalty or config.frequency_penalty) and self._written:
            ids, counts = torch.tensor(list(self._written)), torch.tensor(list(self._written.values()))
            changed_V[ids] -= config.presence_penalty + config.frequency_penalty * counts
        if len(self._biased):
            known = self._biased < len(changed_V)
            changed_V[self._biased[known]] += self._biases[known]
        if self._count < self._least and self._ends:
            changed_V[torch.tensor(sorted(self._ends))] = _NEVER
        if self._constraint is not None:
            changed_V[~self._constraint.allowed()] = _NEVER
        return changed_V
