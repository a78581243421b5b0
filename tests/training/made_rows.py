"""Data of a few rows, with a position that is saved and restored, and rows shared among the processes of a run.

Axes: B batch, T time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from alen.neural.loss import IGNORED
from alen.training.recipe import Task

WORDS = 64
TIME = 16


def causal(count: int, seed: int = 0) -> dict[str, Tensor]:
    """Each word follows from the one before it, most of the time: something that is learned in a few steps."""
    chance = torch.Generator().manual_seed(seed)
    tokens_BT = torch.randint(WORDS, (count, 1), generator=chance)
    for _ in range(TIME):
        noise_B1 = torch.randint(WORDS, (count, 1), generator=chance)
        kept_B1 = torch.rand(count, 1, generator=chance) < 0.9
        tokens_BT = torch.cat([tokens_BT, torch.where(kept_B1, (tokens_BT[:, -1:] * 5 + 3) % WORDS, noise_B1)], 1)
    return {"tokens_BT": tokens_BT[:, :-1].contiguous(), "targets_BT": tokens_BT[:, 1:].contiguous()}


def masked(count: int, seed: int = 0) -> dict[str, Tensor]:
    """Every fourth word is hidden; the last two of a row are padding."""
    rows = causal(count, seed)
    targets_BT = torch.full_like(rows["tokens_BT"], IGNORED)
    targets_BT[:, 1:-2:4] = rows["tokens_BT"][:, 1:-2:4]
    tokens_BT = torch.where(targets_BT == IGNORED, rows["tokens_BT"], 0)
    keep_BT = torch.ones_like(tokens_BT, dtype=torch.bool)
    keep_BT[:, -2:] = False
    return {"tokens_BT": tokens_BT, "targets_BT": targets_BT, "keep_BT": keep_BT}


def classified(count: int, seed: int = 0) -> dict[str, Tensor]:
    """The class is whether the second word is of the upper half."""
    rows = causal(count, seed)
    keep_BT = torch.ones_like(rows["tokens_BT"], dtype=torch.bool)
    return {"tokens_BT": rows["tokens_BT"], "keep_BT": keep_BT, "labels_B": (rows["tokens_BT"][:, 1] * 2 // WORDS)}


ROWS = {"causal": causal, "masked": masked, "classification": classified}


class _Batches:
    def __init__(self, rows: dict[str, Tensor], batch: int, ranks: int, rank: int, used: int = 0) -> None:
        self.rows, self.batch, self.ranks, self.rank, self.used = rows, batch, ranks, rank, used

    def __len__(self) -> int:
        return len(self.rows["tokens_BT"]) // (self.batch * self.ranks)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for step in range(self.used % len(self), len(self)):
            self.used += 1
            first = step * self.batch * self.ranks
            mine = slice(first + self.rank, first + self.batch * self.ranks, self.ranks)
            yield {name: part[mine] for name, part in self.rows.items()}


class _HeldOut(_Batches):
    """The same each time."""

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        self.used = 0
        return super().__iter__()


class MadeRows(LightningDataModule):
    """``count`` rows to train on, some others to validate."""

    def __init__(self, batch: int = 4, count: int = 64, task: Task = "causal", held_out: int = 16) -> None:
        super().__init__()
        self.batch, self.task = batch, task
        self.rows = ROWS[task](count)
        self.held_out = ROWS[task](held_out, seed=1) if held_out else None
        self.loader = _Batches(self.rows, batch, 1, 0)

    def setup(self, stage: str) -> None:
        told = (self.trainer.distributed_sampler_kwargs if self.trainer else None) or {"num_replicas": 1, "rank": 0}
        self.loader = _Batches(self.rows, self.batch, told["num_replicas"], told["rank"], self.loader.used)

    def train_dataloader(self) -> _Batches:
        return self.loader

    def val_dataloader(self) -> Any:
        if self.held_out is None:
            return []
        return _HeldOut(self.held_out, self.batch, self.loader.ranks, self.loader.rank)

    def state_dict(self) -> dict[str, Any]:
        return {"used": self.loader.used}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loader.used = state["used"]
