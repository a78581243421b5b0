"""A model that knows some of the tokens that it has room for. Axes: B batch, T time, V words."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from alen.neural.cache import KVCache
from alen.neural.transformer import Transformer


class Known:
    """``model`` of which the first ``words`` tokens can be written. The others mean nothing yet."""

    def __init__(self, model: Transformer, words: int) -> None:
        self._model, self._words = model, words
        self.config = model.config.model_copy(update={"vocab_size": words})

    def parameters(self) -> Iterator[nn.Parameter]:
        return self._model.parameters()

    def __call__(self, tokens_BT: Tensor, *, cache: KVCache | None = None, last_only: bool = False) -> Tensor:
        """Logits (B, T, V) of what is known."""
        return self._model(tokens_BT, cache=cache, last_only=last_only)[..., : self._words]
