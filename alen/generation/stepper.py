"""What the batch needs of a model: many texts, one step for all of them. NativeDecoder is one; TorchStepper makes any
causal model one.

Axes: W wanted rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.paging import Feed, Stepped

PIECE = 128
"""Tokens of a prompt that are read together: where kernels round by how many rows there are, pieces that always begin
and end at the same places come out the same."""

_ROOM = 256


class CausalModel(Protocol):
    """Token ids in, logits out; Transformer is one."""

    @property
    def config(self) -> TransformerConfig: ...
    def __call__(self, tokens_BT: Tensor, *, cache: KVCache | None = None, last_only: bool = False) -> Tensor: ...


@runtime_checkable
class Stepper(Protocol):
    """Texts are handles with a ``length``. One thread at a time."""

    config: TransformerConfig
    exact: bool
    """Whether a row comes out bit for bit the same however many stand beside it: only then texts are drafted."""

    def begin(self, prompt: Sequence[int] = (), owner: str = "") -> Any: ...
    def keep(self, prompt: Sequence[int], text: Any, owner: str = "") -> None: ...
    def fork(self, text: Any, length: int | None = None) -> Any: ...
    def truncate(self, text: Any, length: int) -> None: ...
    def end(self, text: Any) -> None: ...
    def fits(self, feeds: Sequence[Feed]) -> bool: ...
    def step(self, feeds: Sequence[Feed], *, wide: bool = False) -> Stepped: ...


@dataclass(slots=True, eq=False)
class _Cached:
    cache: KVCache | None = None

    @property
    def length(self) -> int:
        return 0 if self.cache is None else self.cache.length


class TorchStepper:
    """Texts of any causal model, each computed alone: what comes out never depends on what else is there."""

    exact = False

    def __init__(self, model: Any) -> None:
        self._model = model
        self.config: TransformerConfig = model.config
        parameters = getattr(model, "parameters", None)
        first = None if parameters is None else next(parameters())
        self._dtype = torch.float32 if first is None else first.dtype
        self._device = None if first is None else first.device

    def begin(self, prompt: Sequence[int] = (), owner: str = "") -> _Cached:
        return _Cached()

    def keep(self, prompt: Sequence[int], text: _Cached, owner: str = "") -> None:
        """Nothing is kept."""

    def fork(self, text: _Cached, length: int | None = None) -> _Cached:
        made = _Cached(None if text.cache is None else text.cache.prefix(text.cache.length + _ROOM))
        if length is not None:
            self.truncate(made, length)
        return made

    def truncate(self, text: _Cached, length: int) -> None:
        if text.cache is not None:
            text.cache.truncate(length)

    def end(self, text: _Cached) -> None:
        text.cache = None

    def fits(self, feeds: Sequence[Feed]) -> bool:
        return True

    @torch.inference_mode()
    def step(self, feeds: Sequence[Feed], *, wide: bool = False) -> Stepped:
        logits_WV = torch.cat([self._fed(feed) for feed in feeds])
        return Stepped(logits_WV, logits_WV.argmax(-1).numpy(), logits_WV.logsumexp(-1).numpy())

    def _fed(self, feed: Feed) -> Tensor:
        text, after = feed.text, feed.text.length + len(feed.tokens)
        if text.cache is None:
            text.cache = KVCache.allocate(self.config, 1, after + _ROOM, self._dtype, device=self._device)
        elif after > text.cache.capacity:
            text.cache = text.cache.prefix(2 * after)
        parts = []
        for start in range(0, len(feed.tokens), PIECE):
            tokens = list(feed.tokens[start : start + PIECE])
            wanted = feed.wanted - max(0, len(feed.tokens) - start - len(tokens))
            tokens_BT = torch.tensor([tokens], device=self._device)
            logits_TV = self._model(tokens_BT, cache=text.cache, last_only=wanted <= 1)[0]
            parts.append(logits_TV[max(0, len(logits_TV) - wanted) :] if wanted > 0 else logits_TV[:0])
        return torch.cat(parts).float().cpu()
