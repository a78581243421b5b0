"""A training run from its recipe to a model in a folder; everything that can be wrong is refused before the first
step."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from alen.errors import BadInput
from alen.neural.host_memory import keep_freed
from alen.training import bar
from alen.training.after_step import AfterStep
from alen.training.building import make_model
from alen.training.checkpoints import Checkpoints, StateFile, about, checkpoints, state_of
from alen.training.curve import draw
from alen.training.exporting import export
from alen.training.guarding import memory_told, quiet
from alen.training.machine import lightning_precision
from alen.training.module import LanguageModelModule
from alen.training.monitor import Record, TrainingMonitor
from alen.training.preparing import Data, Prepared, prepare
from alen.training.recipe import TrainingRecipe
from alen.training.records import CsvFile, Prometheus, TensorBoard
from alen.training.spreading import spread
from alen.training.stopping import Stopping, on_interrupt
from alen.training.strategies import make_strategy
from alen.training.watching import Show, Watching

VALIDATIONS = 10
"""In a run whose recipe does not say how many."""


@dataclass(frozen=True, slots=True)
class Result:
    """``loss`` is of the last steps that were told, ``validation`` what was measured last; ``model`` is the folder,
    None in all processes but the first."""

    steps: int
    tokens: int
    seconds: float
    loss: float | None
    validation: dict[str, float]
    model: Path | None
    monitor: TrainingMonitor

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("steps", "tokens", "seconds", "loss", "validation")}
        return {**found, "model": self.model and str(self.model)}


def train(recipe: TrainingRecipe, *, resume: bool = True, data: Data | None = None, show: bool = False) -> Result:
    """Train to the end of the recipe and write the model to ``out/model``. A run that was stopped goes on from its last
    checkpoint, unless ``resume`` is False: then it begins again. ``data`` is a data module of one's own with its
    tokenizer, in place of the recipe's; ``show`` says on stderr how far it is.

    Ctrl-C writes a checkpoint and raises Cancelled. Raises BadInput and what reading data and models raises, before the
    first step; WorkError when a loss is no number, when memory is short, or when a checkpoint cannot be written."""
    keep_freed()
    ready = prepare(recipe, data)
    folder = recipe.out / "checkpoints"
    if not resume:
        for old in (folder, recipe.out / "tensorboard"):
            shutil.rmtree(old, ignore_errors=True)
    for unfinished in folder.glob(".partial-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    kept = checkpoints(folder)
    state = state_of(kept[-1], recipe) if kept else None
    begun = int(kept[-1].name.removeprefix("step-")) if kept else 0
    module = _module(recipe, ready)
    saving = Checkpoints(recipe, folder, about(recipe, ready.config.model_dump(mode="json"), ready.labels))
    with ExitStack() as stack:
        cancel = stack.enter_context(on_interrupt())
        shown = stack.enter_context(bar.shown(ready.length.steps)) if show else None
        watching = _watching(recipe, ready, begun, shown)
        stack.callback(watching.monitor.close)
        trainer = _trainer(recipe, ready, watching, [saving, Stopping(cancel, saving, recipe.monitor.every)])
        with quiet(), memory_told(recipe, ready.plan):
            trainer.fit(module, datamodule=ready.data, ckpt_path=state)
            if trainer.limit_val_batches and trainer.global_step not in watching.monitor.val_steps[-1:]:
                trainer.validate(module, datamodule=ready.data, verbose=False)
        return _finished(trainer, module, recipe, ready, watching)


def _module(recipe: TrainingRecipe, ready: Prepared) -> LanguageModelModule:
    module = LanguageModelModule(
        make_model(recipe, ready.config, ready.labels),
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        length=ready.length,
        label_smoothing=recipe.label_smoothing,
        r_drop=recipe.r_drop,
        clip=recipe.clip,
        seed=recipe.seed,
        bytes_per_token=getattr(getattr(ready.data, "facts", None), "bytes_per_token", None),
        folder=recipe.out,
        spread=partial(spread, fsdp="fsdp" in ready.machine.strategy, dtype=ready.machine.dtype),
    )
    if recipe.compile:
        module.compile_layers()
    return module


def _watching(recipe: TrainingRecipe, ready: Prepared, begun: int, show: Show | None) -> Watching:
    records: list[Record] = []
    if _is_first():
        if recipe.monitor.csv:
            records.append(CsvFile(recipe.out / "metrics.csv", begun))
        if recipe.monitor.tensorboard:
            records.append(TensorBoard(recipe.out / "tensorboard", begun))
        if recipe.monitor.prometheus is not None:
            records.append(Prometheus(recipe.monitor.prometheus))
    return Watching(
        TrainingMonitor(records),
        recipe.monitor.every,
        flops_per_token=ready.plan.flops_per_token,
        peak=ready.plan.peak * ready.machine.devices,
        ranks=ready.machine.ranks,
        show=show,
    )


def _trainer(recipe: TrainingRecipe, ready: Prepared, watching: Watching, after: list[AfterStep]) -> Trainer:
    callbacks: list[Callback] = [watching]
    machine, steps = ready.machine, ready.length.steps
    every: int | timedelta
    if recipe.validate_every is not None:
        every = recipe.validate_every * recipe.accumulate
    elif steps is not None:
        every = max(1, steps // VALIDATIONS) * recipe.accumulate
    else:
        every = timedelta(seconds=max(1.0, (ready.length.seconds or 0.0) / VALIDATIONS))
    if recipe.early_stopping is not None:
        early = recipe.early_stopping
        callbacks.append(EarlyStopping("val_loss", patience=early.patience, min_delta=early.least, verbose=False))
    held_out = ready.data.val_dataloader()
    if recipe.early_stopping is not None and not held_out:
        raise BadInput("early_stopping", "no validation data", "some", "Set data.validation, or leave it out.")
    with quiet():
        return Trainer(
            accelerator="gpu" if machine.device == "cuda" else "cpu",
            devices=machine.per_node,
            num_nodes=recipe.machine.nodes,
            strategy=make_strategy(machine, recipe.machine.tensor_parallel),
            precision=lightning_precision(machine),
            plugins=None if machine.sharded else [StateFile()],
            max_steps=-1 if steps is None else steps,
            max_epochs=-1,
            accumulate_grad_batches=recipe.accumulate,
            val_check_interval=every,
            check_val_every_n_epoch=None,
            limit_val_batches=1.0 if held_out else 0,
            num_sanity_val_steps=0,
            inference_mode=False,
            # Data says itself which batches are whose.
            use_distributed_sampler=False,
            # What is saved has been counted and judged before.
            callbacks=[*callbacks, *after],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=recipe.out,
        )


def _finished(
    trainer: Trainer, module: LanguageModelModule, recipe: TrainingRecipe, ready: Prepared, watching: Watching
) -> Result:
    monitor, model = watching.monitor, None
    weights = _weights(module, sharded=ready.machine.sharded)
    if trainer.is_global_zero:
        tokenizer = None
        if ready.tokenizer is not None:
            tokenizer = recipe.out / "tokenizer"
            ready.tokenizer.save(tokenizer)
        told = {"steps": trainer.global_step, "validation": module.progress.validation}
        model = export(
            weights, recipe, ready.config, recipe.out / "model", labels=ready.labels, tokenizer=tokenizer, about=told
        )
        if recipe.monitor.picture and monitor.steps:
            draw(monitor, recipe.out / "loss.png")
    trainer.strategy.barrier()
    return Result(
        steps=trainer.global_step,
        tokens=watching.tokens,
        seconds=module.seconds(),
        loss=monitor.train_loss[-1] if monitor.train_loss else None,
        validation=module.progress.validation,
        model=model,
        monitor=monitor,
    )


def _weights(module: LanguageModelModule, *, sharded: bool) -> dict[str, torch.Tensor]:
    """Whole and on the CPU; of a model that is spread, in the first process alone."""
    if not sharded:
        return {name: tensor.detach().cpu() for name, tensor in module.model.state_dict().items()}
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    whole: dict[str, Any] = get_model_state_dict(module.model, options=options)
    return whole


def _is_first() -> bool:
    """Before Lightning knows: the processes that it starts, torchrun and SLURM all say so."""
    import os

    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "RANK", "SLURM_PROCID", "NODE_RANK"))
