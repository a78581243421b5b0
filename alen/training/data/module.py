"""The data of a training run: a recipe becomes loaders, for Lightning's Trainer or a plain loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightning.pytorch import LightningDataModule

from alen.errors import BadInput
from alen.training.data.batches import Batches
from alen.training.data.loader import TrainingLoader, ValidationLoader


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a run tells of its data. ``labels`` are those of classification, by the number a model gives them;
    ``truncated`` training rows were longer than the recipe's length. ``bytes_per_token`` of the validation text turns
    its loss into bits per byte: loss / ln 2 / bytes_per_token; None where there is none, or where nothing is
    predicted token by token."""

    training_tokens: int
    validation_tokens: int
    bytes_per_token: float | None = None
    labels: tuple[int | str, ...] = ()
    truncated: int = 0


class DataModule(LightningDataModule):
    """``training`` and ``validation`` (None when nothing is held out) can be iterated without Lightning. ``batch`` rows
    go to each rank; under Lightning the ranks are those of the strategy, which knows which processes share their data.

    A saved state holds the position, and goes on with the very batch that would have come next."""

    def __init__(self, training: TrainingLoader, validation: ValidationLoader | None, facts: DataFacts) -> None:
        super().__init__()
        self.training, self.validation, self.facts = training, validation, facts

    def share(self, ranks: int, rank: int) -> None:
        """Split the batches among ``ranks``; before the first batch. Raises BadInput for too little data."""
        for loader in (self.training, self.validation):
            if loader is not None:
                loader.batches = checked(loader.batches.on(loader.batches.split.of(ranks, rank)))

    def setup(self, stage: str) -> None:
        """Lightning calls this before it restores a position."""
        del stage
        if self.trainer is None:
            return
        if told := self.trainer.distributed_sampler_kwargs:
            self.share(told["num_replicas"], told["rank"])
        if self.validation is None:
            # An empty loader would be warned of.
            self.trainer.limit_val_batches = 0

    def train_dataloader(self) -> TrainingLoader:
        return self.training

    def val_dataloader(self) -> ValidationLoader | list[Any]:
        return self.validation or []

    def state_dict(self) -> dict[str, Any]:
        return self.training.state_dict() | {"labels": list(self.facts.labels)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises BadInput for the position in other data."""
        self.training.load_state_dict(state)


def checked(batches: Batches) -> Batches:
    """Raises BadInput when there is not one batch."""
    if not len(batches):
        split = batches.split
        found = f"{split.batch} rows on each of {split.ranks} ranks"
        raise BadInput("batch", found, "no more than there are rows", "Give more data, or make it smaller.")
    return batches
