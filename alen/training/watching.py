"""Feeds a monitor from a run, every so many steps: between them nothing is waited for, and next to nothing is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from alen.training.module import LanguageModelModule
from alen.training.monitor import TrainingMetrics, TrainingMonitor

Show = Callable[[int, TrainingMonitor], None]
"""Called with the step that was reached, each time that something was told."""


class Watching(Callback):
    """``flops_per_token`` are those of a training step, ``peak`` those of the processor a second; without them there is
    no MFU. Speeds are of all processes together, ``ranks`` of which read data of their own."""

    def __init__(
        self,
        monitor: TrainingMonitor,
        every: int = 10,
        *,
        flops_per_token: float | None = None,
        peak: float | None = None,
        ranks: int = 1,
        show: Show | None = None,
    ) -> None:
        self.monitor, self.every, self.ranks, self.show = monitor, every, ranks, show
        self.flops_per_token, self.peak = flops_per_token, peak
        self.tokens = 0
        """Read by all processes over all runs."""
        self._step = self._tokens = self._samples = 0
        self._begun = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._step = trainer.global_step
        self._anew()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        tokens_BT: Tensor = batch["tokens_BT"]
        self._tokens += tokens_BT.numel() * self.ranks
        self._samples += len(tokens_BT) * self.ranks
        self.tokens += tokens_BT.numel() * self.ranks
        step = trainer.global_step
        if step != self._step and (step % self.every == 0 or step == trainer.max_steps):
            self._tell(trainer, pl_module)
        self._step = step

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._paused = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begun += time.perf_counter() - self._paused
        assert isinstance(pl_module, LanguageModelModule)
        figures = pl_module.progress.validation
        if figures and trainer.global_step not in self.monitor.val_steps[-1:]:
            self.monitor.log_validation(trainer.global_step, figures)
            self._shown(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"monitor": self.monitor.state_dict(), "tokens": self.tokens}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.monitor.load_state_dict(state_dict["monitor"])
        self.tokens = state_dict["tokens"]

    def _tell(self, trainer: Trainer, module: LightningModule) -> None:
        assert isinstance(module, LanguageModelModule)
        progress = module.progress
        assert progress.loss is not None
        assert progress.norm is not None
        told = torch.stack([progress.loss.float() / progress.batches, progress.norm.float().to(progress.loss.device)])
        # The first place that waits for the device.
        loss, norm = trainer.strategy.reduce(told, reduce_op="mean").tolist()
        progress.loss, progress.batches = None, 0
        seconds = max(time.perf_counter() - self._begun, 1e-9)
        rate = self._tokens / seconds
        metrics = TrainingMetrics(
            loss=loss,
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
            gradient_norm=norm,
            samples_per_second=self._samples / seconds,
            tokens_per_second=rate,
            gpu_utilization=gpu_utilization(module.device),
            mfu=rate * self.flops_per_token / self.peak if self.peak and self.flops_per_token else None,
        )
        if trainer.is_global_zero:
            self.monitor.log_step(trainer.global_step, metrics)
        self._shown(trainer)
        self._anew()

    def _shown(self, trainer: Trainer) -> None:
        if self.show is not None and trainer.is_global_zero:
            self.show(trainer.global_step, self.monitor)

    def _anew(self) -> None:
        self._begun, self._tokens, self._samples = time.perf_counter(), 0, 0


def gpu_utilization(device: torch.device) -> float | None:
    """The share of the last moments in which the GPU worked; None without one, or without NVIDIA's library."""
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.utilization(device) / 100
    except (ModuleNotFoundError, RuntimeError):
        return None
