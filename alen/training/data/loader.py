"""Batches one after another, with a position that is saved and restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from alen.errors import BadInput
from alen.training.data.batches import Batch, Batches


class TrainingLoader:
    """Iterating goes on from the position to the end of the epoch. A batch counts as used once it was handed out; what
    workers made ahead of time does not."""

    def __init__(self, batches: Batches, *, workers: int = 0) -> None:
        self.batches, self.workers = batches, workers
        self.used = 0

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self.batches)

    @property
    def epoch(self) -> int:
        return self.used // len(self)

    def __iter__(self) -> Iterator[Batch]:
        for batch in _made(self.batches, range(self.used, (self.epoch + 1) * len(self)), self.workers):
            self.used += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        return {"used": self.used, "rows": self.batches.split.rows, "data": self.batches.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises BadInput for the position in other data or of another global batch size."""
        if state.get("data") != self.batches.identity:
            raise BadInput(
                "data",
                "a position in other data, or of another seed, length or task",
                "the data that the run began with",
                "Train on it again, or start a new run.",
            )
        if state.get("rows") != (rows := self.batches.split.rows):
            raise BadInput(
                "batch",
                f"{rows} rows in a step of all ranks",
                f"{state.get('rows')}, as the run began with",
                "Set batch and the number of devices so that their product is the same.",
            )
        self.used = int(state["used"])


class ValidationLoader:
    """The same batches each time."""

    def __init__(self, batches: Batches, *, workers: int = 0) -> None:
        self.batches, self.workers = batches, workers

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return _made(self.batches, range(len(self)), self.workers)


def _made(batches: Batches, steps: range, workers: int) -> Iterator[Batch]:
    """Nothing happens before the first batch is asked for: Lightning asks for iterators that it never uses."""
    if workers:
        # A batch is one item, so that it is whole whichever worker makes it.
        yield from DataLoader(batches, sampler=steps, batch_size=None, num_workers=workers)  # type: ignore[arg-type]  # it needs no more than __getitem__
    else:
        yield from map(batches.__getitem__, steps)
