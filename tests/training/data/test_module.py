"""A run that was stopped goes on with the batch that would have come next, in a plain loop and under Lightning."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from alen.errors import BadInput
from alen.training.data import DataModule, DataRecipe, make_data
from alen.training.data.batches import Batch
from alen.training.data.recipe import Task
from tests.training.data.made import LINES, write_rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lightning.pytorch import Callback, LightningModule, Trainer

TASKS: list[Task] = ["causal", "masked", "classification"]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "a.jsonl", ({"text": line, "label": number % 3} for number, line in enumerate(LINES)))


def made(
    rows: Path, task: Task = "causal", *, batch: int = 4, seed: int = 1, workers: int = 0, length: int = 48
) -> DataModule:
    recipe = DataRecipe(
        train=(rows,), length=length, vocab_size=300, workers=workers, work=rows.parent / "work", validation_share=0.2
    )
    return make_data(recipe, batch=batch, seed=seed, task=task)[0]


def same(one: Batch, other: Batch) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("stop", [0, 3, "epoch", "epoch + 2"])
def test_going_on_is_as_if_it_had_not_stopped(rows: Path, task: Task, stop: int | str) -> None:
    module = made(rows, task)
    size = len(module.training)
    after = {"epoch": size, "epoch + 2": size + 2}.get(str(stop), stop)
    whole = [batch for _ in range(3) for batch in module.training]
    assert len(whole) == 3 * size
    first, state = made(rows, task), {}
    state = first.state_dict()
    count = 0
    while count < after:
        for _batch in first.training:
            count, state = count + 1, first.state_dict()
            if count == after:
                break
    second = made(rows, task)
    second.load_state_dict(state)
    rest = list(second.training)
    assert len(rest) == size - after % size
    rest += list(second.training)
    assert all(map(same, rest, whole[after:]))


@pytest.mark.slow
def test_workers_make_the_same_and_count_what_was_used(rows: Path) -> None:
    alone, helped = made(rows), made(rows, workers=2)
    batches = iter(helped.training)
    for _, batch in zip(range(5), alone.training, strict=False):
        assert same(batch, next(batches))
    assert helped.training.used == 5
    later = made(rows, workers=1)
    later.load_state_dict(helped.state_dict())
    assert all(map(same, later.training, alone.training))


def test_validation_is_the_same_each_time(rows: Path) -> None:
    for task in TASKS:
        loader = made(rows, task).validation
        assert loader is not None
        first, second = list(loader), list(loader)
        assert len(first) == len(loader)
        assert all(map(same, first, second))


def test_positions_elsewhere_are_refused(rows: Path) -> None:
    state = made(rows).state_dict()
    for other in (made(rows, seed=2), made(rows, length=32), made(rows, "masked")):
        with pytest.raises(BadInput, match="data: found a position in other data"):
            other.load_state_dict(state)
    with pytest.raises(BadInput, match="batch: found 8 rows"):
        made(rows, batch=8).load_state_dict(state)


def test_the_same_global_batch_goes_on_with_other_ranks(rows: Path) -> None:
    alone = made(rows, batch=8)
    batches = iter(alone.training)
    next(batches)
    state, wanted = alone.state_dict(), next(batches)["tokens_BT"]
    ours = [made(rows, batch=4) for _ in range(2)]
    for rank, module in enumerate(ours):
        module.share(2, rank)
        module.load_state_dict(state)
    found = [next(iter(module.training))["tokens_BT"] for module in ours]
    assert torch.equal(torch.stack(found, 1).reshape(wanted.shape), wanted)


class Recorder(LightningModule):
    """Remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[int] = []
        self.validated: list[int] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        self.seen.append(hash(tuple(batch["tokens_BT"].reshape(-1).tolist())))
        return self.weight**2

    def validation_step(self, batch: Batch, index: int) -> None:
        self.validated.append(len(batch["tokens_BT"]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class SaveAt(Callback):
    def __init__(self, step: int, file: Path) -> None:
        self.step, self.file = step, file

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.file)


def fit(data: DataModule, *, callbacks: list[Callback], resume: Path | None = None) -> Recorder:
    model = Recorder()
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
        callbacks=callbacks,
    )
    trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=False if resume else None)
    return model


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # Lightning 2.6 beside torch 2.13
@pytest.mark.parametrize("stop", [3, "epoch", "epoch + 2"])
def test_lightning_goes_on_with_the_next_batch(rows: Path, tmp_path: Path, stop: int | str) -> None:
    data = made(rows)
    size = len(data.training)
    after = {"epoch": size, "epoch + 2": size + 2}.get(str(stop), 3)
    whole = fit(data, callbacks=[SaveAt(after, tmp_path / "saved.ckpt")])
    assert len(whole.seen) == len(set(whole.seen)) == 3 * size
    assert data.validation is not None
    assert len(whole.validated) == 3 * len(data.validation) + 1
    rest = fit(made(rows), callbacks=[], resume=tmp_path / "saved.ckpt")
    assert rest.seen == whole.seen[after:]


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # Lightning 2.6 beside torch 2.13
def test_lightning_trains_without_validation(rows: Path) -> None:
    recipe = DataRecipe(train=(rows,), length=48, vocab_size=300, validation_share=0)
    data, _ = make_data(recipe, batch=4, seed=1, task="causal")
    found = fit(data, callbacks=[])
    assert len(found.seen) == 3 * len(data.training)
    assert not found.validated
