"""ALEN as its users have it: a recipe, with checkpoints and all that watches a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.benchmark.loops.task import Logits, Rows, Task
from alen.learning.optimizer import OptimizerConfig
from alen.neural.config import TransformerConfig
from alen.neural.presets import preset
from alen.neural.weights.folder import load
from alen.training.data.batches import Batch, Split
from alen.training.data.loader import TrainingLoader
from alen.training.data.module import DataFacts, DataModule
from alen.training.recipe import TrainingRecipe
from alen.training.run import train


def overrides(task: Task) -> dict[str, Any]:
    """What makes ``alen-micro`` the shape of a task."""
    return {
        "d_model": task.width,
        "num_layers": task.layers,
        "ffn": {"hidden_dim": task.hidden, "dropout": 0.0},
        "vocab_size": task.vocabulary,
        "max_seq_len": task.length,
        "dropout": 0.0,
        "attention": {"num_heads": task.heads, "num_kv_heads": task.heads, "dropout": 0.0},
    }


def optimizer(task: Task) -> OptimizerConfig:
    """``rate`` is that of tables, ``matrix_rate`` that of hidden matrices; vectors go with the tables under Muon."""
    muon = task.optimizer == "muon"
    return OptimizerConfig(
        kind="muon" if muon else "adamw",
        lr=task.rate if muon else task.matrix_rate,
        matrix_lr=task.matrix_rate,
        table_lr=task.rate,
        weight_decay=task.weight_decay,
        betas=task.betas,
    )


def batch_of(rows: Rows, step: int) -> Batch:
    rows_BT = rows.step(step)
    return {"tokens_BT": rows_BT[:, :-1].contiguous(), "targets_BT": rows_BT[:, 1:].contiguous()}


def run(task: Task, rows: Rows) -> Logits:
    recipe = TrainingRecipe.parse(
        {
            "model": {"preset": "alen-micro", "overrides": overrides(task)},
            "out": Path(task.work),
            "steps": task.steps,
            "batch": task.batch,
            "optimizer": optimizer(task).model_dump(),
            "schedule": {"kind": "cosine", "warm_up": task.warm_up, "floor": task.floor},
            "clip": task.clip,
            "precision": "bf16" if task.precision == "mixed" else "32",
            "compile": task.compile,
            "seed": task.seed,
        }
    )
    data = DataModule(TrainingLoader(_Batches(rows)), None, DataFacts(len(rows) * task.length, 0))
    found = train(recipe, resume=False, data=(data, None))
    assert found.model is not None
    model = load(found.model).model
    return lambda tokens_BT: model(tokens_BT)


@dataclass(frozen=True)
class _Batches:
    rows: Rows

    @property
    def split(self) -> Split:
        return Split(self.rows.task.batch)

    @property
    def identity(self) -> str:
        return f"{self.rows.task.tokens}/{self.rows.task.seed}"

    def __len__(self) -> int:
        return self.rows.task.steps

    def __getitem__(self, step: int) -> Batch:
        return batch_of(self.rows, step)

    def on(self, split: Split) -> _Batches:
        assert split == self.split
        return self


def shape(task: Task) -> TransformerConfig:
    """The configuration that the recipe comes to."""
    values = preset("alen-micro").model_dump()
    for name, value in overrides(task).items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return TransformerConfig.parse(values)
