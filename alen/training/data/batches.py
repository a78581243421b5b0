"""A batch follows from its number alone, so that a position is one number, and ranks need not talk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

from torch import Tensor

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Split:
    """``batch`` rows for each of ``ranks`` processes make a global batch; this process is number ``rank``."""

    batch: int
    ranks: int = 1
    rank: int = 0

    @property
    def rows(self) -> int:
        """Of a global batch."""
        return self.batch * self.ranks

    def samples(self, step: int) -> range:
        """The numbers of this rank's samples in a global batch. Neighbours go to different ranks."""
        return range(step * self.rows + self.rank, (step + 1) * self.rows, self.ranks)

    def of(self, ranks: int, rank: int) -> Split:
        return replace(self, ranks=ranks, rank=rank)


class Batches(Protocol):
    """What makes batches; ``identity`` changes whenever the batches would."""

    @property
    def split(self) -> Split: ...

    def __len__(self) -> int:
        """Batches of an epoch."""

    def __getitem__(self, step: int) -> Batch:
        """The batch of any step since the start of training. Of validation: raises IndexError behind the last."""

    @property
    def identity(self) -> str: ...

    def on(self, split: Split) -> Self:
        """The same for another rank."""
