"""What is settled before the first step: data, shape, length and cost of a run; what cannot work is refused here."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch import LightningDataModule

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.text.tokenizer import Tokenizer
from alen.training.building import configuration
from alen.training.data import DataRecipe, make_data
from alen.training.dry_run import Plan, plan
from alen.training.machine import Machine, machine_of
from alen.training.module import Length
from alen.training.recipe import TrainingRecipe

Data = tuple[LightningDataModule, Tokenizer | None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before the first step."""

    data: LightningDataModule
    tokenizer: Tokenizer | None
    config: TransformerConfig
    machine: Machine
    labels: int | None
    length: Length
    plan: Plan


def prepare(recipe: TrainingRecipe, data: Data | None = None) -> Prepared:
    """Read the data, choose the shape and count. Raises BadInput and what reading data raises; also when the run cannot
    fit into memory or onto the disk."""
    machine = machine_of(recipe)
    _writable(recipe.out)
    if data is None:
        if not isinstance(recipe.data, DataRecipe):
            raise BadInput("data", "none", "what is trained on", "Set data.train to one or several files.")
        read = recipe.data
        if read.tokenizer is None and recipe.model.pretrained is not None:
            # Its weights know no other tokens.
            read = read.model_copy(update={"tokenizer": recipe.model.pretrained})
        data = make_data(read, batch=recipe.batch, seed=recipe.seed, task=recipe.task)
    module, tokenizer = data
    config = configuration(recipe, None if tokenizer is None else tokenizer.vocab_size)
    labels = _labels(recipe, module)
    window = int(getattr(recipe.data, "length", config.max_seq_len))
    length = run_length(recipe, machine, len(module.train_dataloader()), window)
    found = plan(recipe, config, window, machine, length.steps)
    needed = found.checkpoint * (recipe.checkpoints.keep + 1) + 4 * found.parameters
    free = shutil.disk_usage(recipe.out).free
    if needed > free:
        raise BadInput(
            "out",
            f"{recipe.out} with {free / 2**30:.1f} GiB free",
            f"at least {needed / 2**30:.1f} GiB, for {recipe.checkpoints.keep + 1} checkpoints and the model",
            "Make room, choose another folder, or set checkpoints.keep lower.",
        )
    return Prepared(module, tokenizer, config, machine, labels, length, found)


def run_length(recipe: TrainingRecipe, machine: Machine, batches: int, window: int) -> Length:
    """``batches`` are those of an epoch on one rank. Raises BadInput when there are none."""
    if not batches:
        raise BadInput("data", "not one batch", "data for at least one", "Give more data, or make batch smaller.")
    if recipe.steps is not None:
        return Length(steps=recipe.steps)
    if recipe.epochs is not None:
        # Lightning makes a step of what is left at the end of an epoch.
        each = math.ceil(max(1, batches // machine.ranks) / recipe.accumulate)
        return Length(steps=max(1, round(recipe.epochs * each)))
    if recipe.tokens is not None:
        step = recipe.batch * recipe.accumulate * machine.ranks * window
        return Length(steps=max(1, math.ceil(recipe.tokens / step)))
    assert recipe.minutes is not None
    return Length(seconds=60 * recipe.minutes)


def _labels(recipe: TrainingRecipe, data: LightningDataModule) -> int | None:
    if recipe.task != "classification":
        return None
    return len(getattr(getattr(data, "facts", None), "labels", ())) or recipe.labels


def _writable(folder: Path) -> None:
    probe = folder / ".write-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput("out", f"{folder} ({error.strerror})", "a folder that can be written", "Set out.") from None
