"""A callback that acts between two steps, where a run may be left and gone on with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn


class AfterStep(Callback, ABC):
    """``after_step`` is called once a step, when its gradients have been used; after the validation that is due then,
    since a run that goes on from before it would leave it out."""

    _step = -1

    @abstractmethod
    def after_step(self, trainer: Trainer, module: LightningModule) -> None: ...

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *rest: Any) -> None:
        if not _validation_is_due(trainer):
            self._once(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == TrainerFn.FITTING:
            self._once(trainer, pl_module)

    def _once(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.global_step != self._step:
            self._step = trainer.global_step
            self.after_step(trainer, module)


def _validation_is_due(trainer: Trainer) -> bool:
    """By the number of batches; one that is due by the clock is not foreseen."""
    every = trainer.val_check_batch
    if not trainer.limit_val_batches or every is None or every == float("inf"):
        return False
    return (trainer.fit_loop.total_batch_idx + 1) % every == 0
