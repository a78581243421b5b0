"""Keys and values of the tokens seen so far, in one preallocated block a layer.

Axes: L layers, B batch, K key and value heads, S capacity, E head width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alen.errors import BadInput
from alen.neural.config import TransformerConfig


class KVCache:
    """``length`` tokens are valid; what lies behind them is unwritten memory that is never read."""

    def __init__(self, keys_LBKSE: list[Tensor], values_LBKSE: list[Tensor], length: int = 0) -> None:
        self._keys = keys_LBKSE
        self._values = values_LBKSE
        self.length = length

    @classmethod
    def allocate(
        cls, config: TransformerConfig, batch: int, capacity: int, dtype: torch.dtype = torch.float32
    ) -> KVCache:
        shape = (batch, config.num_kv_heads, capacity, config.head_dim)
        layers = range(config.num_layers)
        return cls([torch.empty(shape, dtype=dtype) for _ in layers], [torch.empty(shape, dtype=dtype) for _ in layers])

    @property
    def capacity(self) -> int:
        return int(self._keys[0].shape[2])

    @property
    def bytes(self) -> int:
        return sum(part.numel() * part.element_size() for part in (*self._keys, *self._values))

    def extend(self, layer: int, keys_BKTE: Tensor, values_BKTE: Tensor) -> tuple[Tensor, Tensor]:
        """Write T new tokens behind ``length`` and return views of all valid ones, (B, K, length + T, E).

        ``advance`` moves ``length`` once all layers have written. Raises BadInput when the tokens do not fit."""
        end = self.length + keys_BKTE.shape[2]
        if end > self.capacity:
            raise BadInput(
                "tokens", f"{end} in all", f"at most {self.capacity}", "Shorten the text or enlarge the cache."
            )
        keys, values = self._keys[layer], self._values[layer]
        keys[:, :, self.length : end] = keys_BKTE
        values[:, :, self.length : end] = values_BKTE
        return keys[:, :, :end], values[:, :, :end]

    def advance(self, tokens: int) -> None:
        self.length += tokens

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        self.length = min(self.length, length)

    def prefix(self, capacity: int) -> KVCache:
        """A copy of the valid tokens in a cache of another capacity, so that a shared beginning is computed once."""
        keys: list[Tensor] = []
        values: list[Tensor] = []
        for source, target in ((self._keys, keys), (self._values, values)):
            for part in source:
                block = part.new_empty((*part.shape[:2], max(capacity, self.length), part.shape[3]))
                block[:, :, : self.length] = part[:, :, : self.length]
                target.append(block)
        return KVCache(keys, values, self.length)
