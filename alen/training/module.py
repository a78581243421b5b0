"""A pure model in Lightning: its loss, its optimizer, its schedule, and what is said of a step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.optim import Optimizer

from alen.learning.optimizer import OptimizerConfig, make_optimizer, set_rate
from alen.learning.schedule import factor
from alen.training.broken_loss import stop
from alen.training.building import Trained, encoder_of
from alen.training.gradient_norm import clip_by_norm
from alen.training.objective import Batch, Held, Objective
from alen.training.recipe import ScheduleRecipe
from alen.training.spreading import split_groups

Spread = Callable[[Objective, DeviceMesh], None]
"""Spreads what is trained over the devices of a mesh, in place."""

TICKS = 10**6
"""Of a run whose length is a time: its schedule counts these in place of steps."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a run is: in ``steps``, or in ``seconds`` of training."""

    steps: int | None = None
    seconds: float | None = None


@dataclass(slots=True)
class Progress:
    """What a module counts. ``seconds`` are of training, over all the runs that went on from each other; ``loss`` is a
    sum over ``batches`` since it was last asked for, on the device."""

    seconds: float = 0.0
    loss: Tensor | None = None
    batches: int = 0
    norm: Tensor | None = None
    validation: dict[str, float] = field(default_factory=dict)


class LanguageModelModule(LightningModule):
    """Trains ``model``: a ``Transformer`` on ``tokens_BT`` and ``targets_BT``, a ``BertForMaskedLM`` on these with
    ``keep_BT``, a ``BertForSequenceClassification`` on ``tokens_BT``, ``keep_BT`` and ``labels_B``. Without ``length``
    the learning rate stays at its peak after the warm-up.

    Every batch draws its dropout from ``seed`` and its own number, so that a run that goes on draws what it would
    have drawn. A loss that is no number stops the run with a WorkError; the batch is kept in ``folder``. ``spread``
    cuts the model under a strategy that has a mesh of devices."""

    def __init__(
        self,
        model: Trained,
        *,
        optimizer: OptimizerConfig | None = None,
        schedule: ScheduleRecipe | None = None,
        length: Length | None = None,
        label_smoothing: float = 0.0,
        r_drop: float = 0.0,
        clip: float | None = 1.0,
        seed: int = 0,
        bytes_per_token: float | None = None,
        folder: Path | None = None,
        spread: Spread | None = None,
    ) -> None:
        super().__init__()
        self.objective = Objective(model, label_smoothing, r_drop)
        self.settings = optimizer or OptimizerConfig()
        self.schedule = schedule or ScheduleRecipe()
        self.length = length or Length()
        self.clip, self.seed, self.bytes_per_token = clip, seed, bytes_per_token
        self.folder = folder or Path()
        self.spread = spread
        self.progress = Progress()
        self._since: float | None = None
        self._held: list[Held] = []
        self._before: tuple[Tensor, Batch] | None = None

    @property
    def model(self) -> Trained:
        return self.objective.model

    def compile_layers(self) -> None:
        """Each layer by itself: one compilation serves all, and names of weights stay."""
        for block in encoder_of(self.model).blocks:
            block.compile()

    def configure_model(self) -> None:
        """Lightning calls it again before it validates."""
        if self.spread is not None and self.device_mesh is not None:
            self.spread(self.objective, self.device_mesh)
            self.spread = None

    def configure_optimizers(self) -> Optimizer:
        return split_groups(make_optimizer(self.objective, self.settings))

    def rate(self, step: int) -> float:
        """The learning rate of step ``step``, as a factor of its peak."""
        total, done = self.length.steps or 0, step
        if self.length.seconds is not None:
            total, done = TICKS, min(TICKS, int(TICKS * self.seconds() / self.length.seconds))
        warm_up = self.schedule.warm_up
        return factor(
            done,
            total,
            schedule=self.schedule.kind if total else "constant",
            warm_up=int(warm_up if warm_up >= 1 else round(warm_up * total)),
            floor=self.schedule.floor,
            decay=self.schedule.decay,
        )

    def seconds(self) -> float:
        """Of training until now."""
        return self.progress.seconds + (time.perf_counter() - self._since if self._since else 0.0)

    def on_train_start(self) -> None:
        self._since = time.perf_counter()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Processes that share the matrices of a layer see the same data, and drop the same of it.
        share = (self.trainer.distributed_sampler_kwargs or {}).get("rank", 0)
        drawn = f"{self.seed}/{share}/{self.trainer.fit_loop.total_batch_idx}"
        torch.manual_seed(int.from_bytes(blake2b(drawn.encode(), digest_size=7).digest()))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss: Tensor = self.objective(batch)
        self._check(loss.detach(), batch)
        progress = self.progress
        progress.loss = loss.detach() if progress.loss is None else progress.loss + loss.detach()
        progress.batches += 1
        return loss

    def _check(self, loss: Tensor, batch: Batch) -> None:
        """On a GPU of the batch before, whose loss is there by now: to wait for this one would leave the GPU idle."""
        now = (loss, batch)
        checked, self._before = (self._before, now) if loss.is_cuda else (now, None)
        if checked is not None and not math.isfinite(checked[0].item()):
            stop(checked[1], self.global_step, self.folder)

    def on_train_end(self) -> None:
        if self._before is not None:
            self._check(*self._before)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
            # A fused optimizer would divide by the scale within its step: too late for a norm.
            scaler.unscale_(optimizer)
        self.progress.norm = clip_by_norm(self.objective.parameters(), self.clip)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        set_rate(optimizer, self.rate(self.global_step))
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held.append(self.objective.held(batch))

    def on_validation_epoch_end(self) -> None:
        held, self._held = self._held, []
        if not held:
            return
        sums = torch.stack([torch.stack([part.nats, part.targets.double(), part.right.double()]) for part in held]).sum(
            0
        )
        nats, targets, right = self.trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        self.progress.validation = self.figures(nats / max(1.0, targets), right / max(1.0, targets))
        for name, value in self.progress.validation.items():
            self.log(name, value, rank_zero_only=False)

    def figures(self, loss: float, accuracy: float) -> dict[str, float]:
        """``val_loss`` in nats and what follows from it: ``perplexity`` and ``bits_per_byte`` of words, ``accuracy`` of
        classes."""
        if hasattr(getattr(self.model, "head", None), "classifier"):
            return {"val_loss": loss, "accuracy": accuracy}
        found = {"val_loss": loss, "perplexity": math.exp(min(loss, 700.0))}
        if self.bytes_per_token:
            found["bits_per_byte"] = loss / math.log(2) / self.bytes_per_token
        return found

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        loss = self.progress.loss
        checkpoint["seconds"] = self.seconds()
        checkpoint["untold"] = (None if loss is None else loss.cpu(), self.progress.batches)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        loss, self.progress.batches = checkpoint["untold"]
        self.progress.loss = None if loss is None else loss.to(self.device)
        self.progress.seconds = checkpoint["seconds"]
