"""How branches of a span search are read together: in one masked sequence, or as texts that share pages.

Axes: T tokens read, S all cached and new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from alen.generation.stepper import Stepper
from alen.neural.cache import KVCache
from alen.neural.paging import Feed
from alen.neural.transformer import Transformer


class SpanTree(Protocol):
    """``root`` is the passage and the question. What ``read`` gives for a run can be gone on from, by one or by
    many."""

    root: Any

    def read(self, runs: Sequence[tuple[Any, int, Sequence[int]]]) -> list[tuple[Any, Tensor]]:
        """For each (from where, tokens since the root, new tokens): where it leads, and logits (T, V) after each."""
        ...

    def end(self) -> None: ...


class SpanTrees(Protocol):
    """Where trees come from. One thread at a time."""

    def plant(self, prompt: Sequence[int]) -> tuple[SpanTree, Tensor]:
        """A tree whose root has read a prompt, and the logits (V) after it."""
        ...


class HiddenModel(Protocol):
    """What a masked tree needs of a model; Transformer is one."""

    def hidden(
        self, tokens_BT: Tensor, *, cache: KVCache | None, positions_BT: Tensor | None, mask_BTS: Tensor | None
    ) -> Tensor: ...
    def logits(self, hidden_BTD: Tensor) -> Tensor: ...


class MaskedTree:
    """All branches lie one after another in one cache; each sees the root and its own places."""

    def __init__(self, model: HiddenModel, cache: KVCache) -> None:
        self._model, self._cache, self._base = model, cache, cache.length
        self.root: tuple[int, ...] = ()

    def read(self, runs: Sequence[tuple[Any, int, Sequence[int]]]) -> list[tuple[Any, Tensor]]:
        past, total = self._cache.length, sum(len(run) for _, _, run in runs)
        positions: list[int] = []
        mask_TS = torch.zeros(total, past + total, dtype=torch.bool)
        mask_TS[:, : self._base] = True
        places, offset = [], 0
        for seen, since, run in runs:
            size = len(run)
            positions += range(self._base + since, self._base + since + size)
            mask_TS[offset : offset + size, list(seen)] = True
            mask_TS[offset : offset + size, past + offset : past + offset + size] = torch.ones(size, size).tril().bool()
            places.append((*seen, *range(past + offset, past + offset + size)))
            offset += size
        hidden_BTD = self._model.hidden(
            torch.tensor([[token for _, _, run in runs for token in run]]),
            cache=self._cache,
            positions_BT=torch.tensor([positions]),
            mask_BTS=mask_TS[None],
        )
        parts = self._model.logits(hidden_BTD)[0].split([len(run) for _, _, run in runs])
        return list(zip(places, parts, strict=True))

    def end(self) -> None:
        """Nothing is held but the cache."""


class ForkedTree:
    """Every branch is a text of its own; what they share lies in pages that belong to all."""

    def __init__(self, stepper: Stepper, text: Any, *, owned: bool = False) -> None:
        """``owned`` says that ``text`` ends with the tree."""
        self._stepper, self.root = stepper, text
        self._texts: list[Any] = [text] if owned else []

    def read(self, runs: Sequence[tuple[Any, int, Sequence[int]]]) -> list[tuple[Any, Tensor]]:
        texts = [self._stepper.fork(text) for text, _, _ in runs]
        self._texts += texts
        feeds = [Feed(text, run, len(run)) for text, (_, _, run) in zip(texts, runs, strict=True)]
        logits_TV = self._stepper.step(feeds).logits
        return list(zip(texts, logits_TV.split([len(run) for _, _, run in runs]), strict=True))

    def end(self) -> None:
        for text in self._texts:
            self._stepper.end(text)
        self._texts = []


class MaskedTrees:
    """Of a model in torch; a tree may read ``allowance`` tokens."""

    def __init__(self, model: Transformer, allowance: int) -> None:
        self._model, self._allowance = model.eval(), allowance

    def plant(self, prompt: Sequence[int]) -> tuple[MaskedTree, Tensor]:
        dtype, room = self._model.embedding.weight.dtype, len(prompt) + self._allowance
        cache = KVCache.allocate(self._model.config, 1, room, dtype)
        hidden_BTD = self._model.hidden(torch.tensor([prompt]), cache=cache)
        return MaskedTree(self._model, cache), self._model.logits(hidden_BTD[:, -1:])[0, -1].float()


class ForkedTrees:
    """Over a stepper. Of prompts that begin alike the beginning is read once."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def plant(self, prompt: Sequence[int]) -> tuple[ForkedTree, Tensor]:
        text = self._stepper.begin(prompt)
        try:
            logits_WV = self._stepper.step([Feed(text, prompt[text.length :])], wide=True).logits
        except BaseException:
            self._stepper.end(text)
            raise
        self._stepper.keep(prompt, text)
        return ForkedTree(self._stepper, text, owned=True), logits_WV[0]
