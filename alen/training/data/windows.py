"""Windows of tokens over packed streams: in a seeded order that never ends, or once through in their own.

Axes: B samples, T tokens of a window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from alen.errors import BadInput
from alen.neural.loss import IGNORED
from alen.training.data.batches import Batch, Split
from alen.training.data.noise import mixed
from alen.training.data.permutation import Permutation

Tokens = NDArray[np.uint16 | np.uint32]


class Stream(Protocol):
    @property
    def tokens(self) -> Tokens: ...


class Windows:
    """Every ``stride`` tokens of each stream begin a window.

    With a ``seed`` the windows of each epoch come in an order of its own, and fewer than ``stride`` tokens of a stream
    are left out of an epoch, some at its start and the rest at its end, others each time. Sample ``n`` of the endless
    order belongs to epoch ``n // len(windows)``, so a batch may begin in one epoch and end in the next: no window is
    dropped. Without a seed the order is that of the stream, and its last window may be shorter."""

    def __init__(self, streams: Sequence[Stream], stride: int, *, seed: int | None = None) -> None:
        """Raises BadInput when no stream is long enough for a window of a seeded order."""
        self.streams, self.stride, self.seed = list(streams), stride, seed
        # The last token of a stream has none behind it that could be predicted.
        room = [len(stream.tokens) - 1 for stream in streams]
        counts = [size // stride if seed is not None else -(-size // stride) for size in room]
        self._ends = list(accumulate(counts))
        self._spare = [size - count * stride for size, count in zip(room, counts, strict=True)]
        if not len(self):
            found = f"{stride}, and {sum(room) + len(room):,} tokens"
            raise BadInput("length", found, f"texts of more than {stride} tokens", "Give more text, or shorten it.")
        self._order = Permutation(len(self), seed or 0, 0)
        self._epoch = 0

    def __len__(self) -> int:
        """Windows of an epoch."""
        return self._ends[-1]

    def read(self, sample: int, count: int) -> Tokens:
        """The first ``count`` tokens of a sample's window, or what there is; ``stride + 1`` reach into the next one."""
        epoch, window = divmod(sample, len(self))
        if self.seed is not None:
            if epoch != self._epoch:
                self._order, self._epoch = Permutation(len(self), self.seed, epoch), epoch
            window = self._order[window]
        place = bisect_right(self._ends, window)
        start = (window - (self._ends[place - 1] if place else 0)) * self.stride
        if self.seed is not None and (spare := self._spare[place]):
            start += mixed(self.seed, epoch, place) % (spare + 1)
        return self.streams[place].tokens[start : start + count]

    def steps(self, split: Split) -> int:
        """Batches of an epoch. In a seeded order whole ones, at least one; else the last may be of fewer rows, as many
        on every rank, for which fewer windows than there are ranks are left out at the end."""
        if self.seed is not None:
            return max(1, len(self) // split.rows)
        return -(-(len(self) - len(self) % split.ranks) // split.rows)

    def samples(self, step: int, split: Split) -> range:
        """Raises IndexError behind the last batch of an order without a seed."""
        found = split.samples(step)
        if self.seed is not None:
            return found
        if not 0 <= step < self.steps(split):
            raise IndexError(step)
        return range(found.start, min(found.stop, len(self) - len(self) % split.ranks), split.ranks)


@dataclass(frozen=True)
class CausalBatches:
    """Windows of ``length`` tokens, each token with the one behind it as its target. A window that is shorter is filled
    up with the ``end`` token, whose targets are IGNORED."""

    windows: Windows
    split: Split
    length: int
    end: int
    identity: str = field(default="")

    def __len__(self) -> int:
        return self.windows.steps(self.split)

    def __getitem__(self, step: int) -> Batch:
        samples = self.windows.samples(step, self.split)
        tokens_BT = np.empty((len(samples), self.length), dtype=np.int64)
        targets_BT = np.empty_like(tokens_BT)
        for row, sample in enumerate(samples):
            found = self.windows.read(sample, self.length + 1)
            size = len(found) - 1
            tokens_BT[row, :size], targets_BT[row, :size] = found[:-1], found[1:]
            tokens_BT[row, size:], targets_BT[row, size:] = self.end, IGNORED
        return {"tokens_BT": torch.from_numpy(tokens_BT), "targets_BT": torch.from_numpy(targets_BT)}

    def on(self, split: Split) -> CausalBatches:
        return replace(self, split=split)
