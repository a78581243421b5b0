"""The optimizer of a model, its parameters told apart by what they are."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alen.errors import BadInput
from alen.learning.muon import Muon
from alen.learning.roles import roles


class OptimizerConfig(BaseModel):
    """``lr`` is the peak of all parameters but for what follows: ``matrix_lr`` is that of hidden matrices under Muon,
    ``table_lr`` that of embeddings and heads; None takes ``lr``. Only matrices and tables decay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["adamw", "muon"] = "adamw"
    lr: float = Field(1e-3, gt=0, le=1)
    matrix_lr: float | None = Field(None, gt=0, le=1)
    table_lr: float | None = Field(None, gt=0, le=1)
    weight_decay: float = Field(0.1, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = Field(1e-8, gt=0)
    momentum: float = Field(0.95, ge=0, lt=1)
    """Of Muon."""


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """Over all parameters of ``model`` that are trained. Each group keeps its peak as ``initial_lr``, so that a
    schedule multiplies that. Raises BadInput when nothing is trained, or when Muon finds no hidden matrix."""
    found = roles(model)
    matrices = [matrix.weight for matrix in found.matrices]
    tables = [parameter for _, parameter in found.tables]
    vectors = [parameter for _, parameter in found.vectors]
    if not (matrices or tables or vectors):
        raise BadInput("model", "no parameter that is trained", "at least one", "Unfreeze it, or attach adapters.")
    table_lr = config.table_lr or config.lr
    groups: list[dict[str, Any]] = [
        {"params": tables, "lr": table_lr, "weight_decay": config.weight_decay},
        {"params": vectors, "lr": config.lr, "weight_decay": 0.0},
    ]
    optimizer: torch.optim.Optimizer
    if config.kind == "muon":
        if not matrices:
            raise BadInput("optimizer", "muon for a model without hidden matrices", "adamw", "Set kind: adamw.")
        optimizer = Muon(
            found.matrices,
            [group for group in groups if group["params"]],
            lr=config.matrix_lr or config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            betas=config.betas,
            eps=config.eps,
        )
    else:
        groups.insert(0, {"params": matrices, "lr": config.lr, "weight_decay": config.weight_decay})
        optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=config.lr, betas=config.betas, eps=config.eps, fused=True
        )
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Every group at ``factor`` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
