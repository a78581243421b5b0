"""Keys and values of the tokens seen so far, preallocated; rows of a batch may be of different lengths, and a layer
that slides keeps its window alone, as a ring.

Axes: B batch, T new tokens, K key and value heads, S slots, E head width.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.kv_storage import Bytes, Plain, Storage


class KVCache:
    """``length`` tokens are valid, in a ragged batch those of the longest row, and ``lengths_B`` says how many each
    row has. What lies behind them is unwritten memory that is never read."""

    def __init__(self, layers: list[tuple[Storage, Storage]], windows: list[int | None], capacity: int) -> None:
        self._layers = layers
        self._windows = windows
        self.capacity = capacity
        self.length = 0
        self.lengths_B: Tensor | None = None
        self._counts_B: Tensor | None = None

    @classmethod
    def allocate(
        cls,
        config: TransformerConfig,
        batch: int,
        capacity: int,
        dtype: torch.dtype = torch.float32,
        *,
        device: torch.device | None = None,
        storage: Literal["plain", "int8"] = "plain",
    ) -> KVCache:
        """Room for ``capacity`` tokens a row; a layer with a smaller window takes room for the window."""
        kind: type[Plain] | type[Bytes] = Plain if storage == "plain" else Bytes
        layers: list[tuple[Storage, Storage]] = []
        windows: list[int | None] = []
        for layer in range(config.num_layers):
            window = config.window(layer)
            windows.append(window if window is not None and window < capacity else None)
            shape = (batch, config.num_kv_heads, windows[-1] or capacity)
            layers.append(
                (
                    kind.allocate((*shape, config.query_dim), dtype, device),
                    kind.allocate((*shape, config.head_dim), dtype, device),
                )
            )
            if windows[-1] is not None:
                _clear(layers[-1], 0)
        return cls(layers, windows, capacity)

    @property
    def bytes(self) -> int:
        return sum(keys.bytes + values.bytes for keys, values in self._layers)

    def begin(self, time: int, counts_B: Tensor | None = None) -> None:
        """Announce ``time`` new tokens a row, of which the first ``counts_B`` are real and the others padding.

        Raises BadInput when they do not fit."""
        if self.length + time > self.capacity:
            raise BadInput(
                "tokens",
                f"{self.length + time} in all",
                f"at most {self.capacity}",
                "Shorten the text or enlarge the cache.",
            )
        if counts_B is not None and self.lengths_B is None:
            self.lengths_B = torch.full_like(counts_B, self.length)
            for stores, window in zip(self._layers, self._windows, strict=True):
                if window is None:
                    _clear(stores, self.length)
        if self.lengths_B is not None and counts_B is None:
            counts_B = torch.full_like(self.lengths_B, time)
        self._counts_B = counts_B

    def positions(self, time: int, device: torch.device) -> Tensor:
        """Of the new tokens: (1, T), or (B, T) in a ragged batch."""
        steps_T = torch.arange(time, device=device)
        if self.lengths_B is None:
            return steps_T[None] + self.length
        return self.lengths_B[:, None] + steps_T

    def source_positions(self, layer: int, time: int, device: torch.device) -> Tensor:
        """Of what ``extend`` will return for this layer: (1, S) or (B, S); below 0 where a slot is empty."""
        window = self._windows[layer]
        if window is None:
            return torch.arange(self.length + time, device=device)[None]
        slot_S = torch.arange(window, device=device)
        before = self.length if self.lengths_B is None else self.lengths_B[:, None]
        if time == 1:
            newest = before + (1 if self._counts_B is None else self._counts_B[:, None]) - 1
            return (newest - (newest - slot_S) % window).reshape(-1, window)
        old = ((before - 1) - ((before - 1) - slot_S) % window) if self.length else torch.full_like(slot_S, -1)
        new = self.positions(time, device)
        return torch.cat([old.reshape(-1, window).expand(len(new), -1), new], dim=1)

    def is_past(self, layer: int, time: int) -> bool:
        """Whether nothing that ``extend`` will return is empty or comes after any of the new tokens."""
        window = self._windows[layer]
        return time == 1 and self.lengths_B is None and (window is None or self.length + 1 >= window)

    def extend(self, layer: int, keys_BKTE: Tensor, values_BKTE: Tensor) -> tuple[Tensor, Tensor]:
        """Write the announced tokens and return keys and values (B, K, S, E) that they may look at.

        ``advance`` moves the lengths once all layers have written."""
        window = self._windows[layer]
        keys, values = self._layers[layer]
        if window is None:
            return self._written(keys, keys_BKTE), self._written(values, values_BKTE)
        if keys_BKTE.shape[2] == 1:
            self._write_ring(window, keys, keys_BKTE)
            self._write_ring(window, values, values_BKTE)
            return keys.read(window), values.read(window)
        # The first new tokens still look at what the last ones will overwrite.
        seen = tuple(
            torch.cat([store.read(window).to(new.dtype), new], dim=2)
            for store, new in ((keys, keys_BKTE), (values, values_BKTE))
        )
        self._write_ring(window, keys, keys_BKTE)
        self._write_ring(window, values, values_BKTE)
        return seen[0], seen[1]

    def advance(self, tokens: int) -> None:
        if self.lengths_B is None or self._counts_B is None:
            self.length += tokens
            return
        self.lengths_B = self.lengths_B + self._counts_B
        self.length = int(self.lengths_B.max())

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens of every row. Raises BadInput where a ring has lost older ones
        that would be seen again."""
        if length >= self.length:
            return
        lost = [window for window in self._windows if window is not None and self.length > window]
        if lost and length:
            raise BadInput("length", str(length), f"0 or {self.length}", "A sliding window cannot be wound back.")
        self.length = length
        if self.lengths_B is not None:
            self.lengths_B = self.lengths_B.clamp_max(length)

    def prefix(self, capacity: int) -> KVCache:
        """A copy of the valid tokens in a cache of another capacity, so that a shared beginning is computed once."""
        room = max(capacity, self.length)
        layers: list[tuple[Storage, Storage]] = []
        for window, (keys, values) in zip(self._windows, self._layers, strict=True):
            slots, used = (window, window) if window is not None else (room, self.length)
            layers.append((keys.copy(slots, used), values.copy(slots, used)))
        return self._like(layers, room, self.lengths_B)

    def rows(self, index_B: Tensor) -> KVCache:
        """A copy of the rows named, in that order; a row named twice is there twice."""
        layers: list[tuple[Storage, Storage]] = [(k.rows(index_B), v.rows(index_B)) for k, v in self._layers]
        return self._like(layers, self.capacity, None if self.lengths_B is None else self.lengths_B[index_B])

    def _like(self, layers: list[tuple[Storage, Storage]], capacity: int, lengths_B: Tensor | None) -> KVCache:
        made = KVCache(layers, list(self._windows), capacity)
        made.length, made.lengths_B = self.length, lengths_B
        return made

    def _written(self, store: Storage, new_BKTE: Tensor) -> Tensor:
        time = new_BKTE.shape[2]
        if self.lengths_B is None:
            store.write(self.length, new_BKTE)
        else:
            row_N, step_N, slot_N = self._places(time, None)
            store.scatter(row_N, slot_N, new_BKTE[row_N, :, step_N])
        return store.read(self.length + time)

    def _write_ring(self, window: int, store: Storage, new_BKTE: Tensor) -> None:
        row_N, step_N, slot_N = self._places(new_BKTE.shape[2], window, len(new_BKTE), new_BKTE.device)
        store.scatter(row_N, slot_N, new_BKTE[row_N, :, step_N])

    def _places(
        self, time: int, window: int | None, batch: int = 0, device: torch.device | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Row, step and slot of every new token that is to be kept."""
        if self.lengths_B is not None and self._counts_B is not None:
            lengths_B, counts_B = self.lengths_B, self._counts_B
        else:
            lengths_B = torch.full((batch,), self.length, device=device)
            counts_B = torch.full((batch,), time, device=device)
        step_BT = torch.arange(time, device=lengths_B.device).expand(len(lengths_B), -1)
        kept_BT = step_BT < counts_B[:, None]
        if window is not None:
            kept_BT = kept_BT & (step_BT >= counts_B[:, None] - window)
        row_N, step_N = kept_BT.nonzero(as_tuple=True)
        slot_N = lengths_B[row_N] + step_N
        return row_N, step_N, slot_N if window is None else slot_N % window


def _clear(stores: tuple[Storage, Storage], start: int) -> None:
    for store in stores:
        store.clear(start)
