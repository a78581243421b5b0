"""What a layer of a cache is made of: keys or values as they are, or as bytes with one scale a token and head.

Axes: B batch, T new tokens, K key and value heads, S slots, E head width.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Storage(Protocol):
    """A block of (B, K, S, E) numbers."""

    @property
    def slots(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def write(self, start: int, x_BKTE: Tensor) -> None: ...
    def scatter(self, row_N: Tensor, slot_N: Tensor, x_NKE: Tensor) -> None:
        """Put N tokens of any rows into any slots."""
        ...

    def read(self, end: int) -> Tensor:
        """The first ``end`` slots, (B, K, end, E)."""
        ...

    def copy(self, slots: int, used: int) -> Storage:
        """With room for ``slots``, of which the first ``used`` are as here."""
        ...

    def rows(self, index_B: Tensor) -> Storage: ...
    def clear(self, start: int) -> None:
        """Zero from slot ``start`` on: what is masked still takes part in sums, and unwritten memory may be NaN."""
        ...


class Plain:
    def __init__(self, block_BKSE: Tensor) -> None:
        self.block = block_BKSE

    @classmethod
    def allocate(cls, shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device | None) -> Plain:
        return cls(torch.empty(shape, dtype=dtype, device=device))

    @property
    def slots(self) -> int:
        return int(self.block.shape[2])

    @property
    def bytes(self) -> int:
        return self.block.numel() * self.block.element_size()

    def write(self, start: int, x_BKTE: Tensor) -> None:
        self.block[:, :, start : start + x_BKTE.shape[2]] = x_BKTE

    def scatter(self, row_N: Tensor, slot_N: Tensor, x_NKE: Tensor) -> None:
        self.block[row_N, :, slot_N] = x_NKE.to(self.block.dtype)

    def read(self, end: int) -> Tensor:
        return self.block[:, :, :end]

    def copy(self, slots: int, used: int) -> Plain:
        batch, heads, _, width = self.block.shape
        block = self.block.new_empty(batch, heads, slots, width)
        block[:, :, :used] = self.block[:, :, :used]
        return Plain(block)

    def rows(self, index_B: Tensor) -> Plain:
        return Plain(self.block[index_B])

    def clear(self, start: int) -> None:
        self.block[:, :, start:] = 0


class Bytes:
    """int8 with a scale for each token and head (absmax): half of bfloat16's memory, a quarter of float32's, at the
    price of turning it back at every step."""

    def __init__(self, values: Plain, scales: Plain) -> None:
        self._values, self._scales = values, scales

    @classmethod
    def allocate(cls, shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device | None) -> Bytes:
        return cls(Plain.allocate(shape, torch.int8, device), Plain.allocate((*shape[:3], 1), dtype, device))

    @property
    def slots(self) -> int:
        return self._values.slots

    @property
    def bytes(self) -> int:
        return self._values.bytes + self._scales.bytes

    def write(self, start: int, x_BKTE: Tensor) -> None:
        values, scales = self._quantised(x_BKTE)
        self._values.write(start, values)
        self._scales.write(start, scales)

    def scatter(self, row_N: Tensor, slot_N: Tensor, x_NKE: Tensor) -> None:
        values, scales = self._quantised(x_NKE)
        self._values.scatter(row_N, slot_N, values)
        self._scales.scatter(row_N, slot_N, scales)

    def read(self, end: int) -> Tensor:
        scales = self._scales.read(end)
        return self._values.read(end).to(scales.dtype) * scales

    def copy(self, slots: int, used: int) -> Bytes:
        return Bytes(self._values.copy(slots, used), self._scales.copy(slots, used))

    def rows(self, index_B: Tensor) -> Bytes:
        return Bytes(self._values.rows(index_B), self._scales.rows(index_B))

    def clear(self, start: int) -> None:
        self._scales.clear(start)

    def _quantised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scales = (x.abs().amax(-1, keepdim=True).float() / 127).clamp_min(1e-12).to(self._scales.block.dtype)
        return (x.float() / scales.float()).round().clamp(-127, 127).to(torch.int8), scales
