"""What a recipe runs on: which processor, how many of them, how they share the work, in which number format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from alen.errors import BadInput
from alen.neural.precision import multiplies_bfloat16
from alen.training.recipe import TrainingRecipe

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Machine:
    """``devices`` over all nodes; ``ranks`` of them, or groups of them, read data of their own. Weights and what
    belongs to them are cut into ``shards``. ``dtype`` is what matrices are multiplied in."""

    device: Device
    devices: int
    per_node: int
    ranks: int
    shards: int
    strategy: str
    dtype: torch.dtype

    @property
    def sharded(self) -> bool:
        return self.strategy not in ("single", "ddp")


def machine_of(recipe: TrainingRecipe) -> Machine:
    """Raises BadInput for what this machine has not, or cannot do."""
    wanted = recipe.machine
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted.accelerator == "gpu" and not gpus:
        raise BadInput("machine.accelerator", "gpu", "cpu: torch finds no GPU", "Set it to cpu or auto.")
    device: Device = "cuda" if gpus and wanted.accelerator != "cpu" else "cpu"
    per_node = (max(1, gpus) if device == "cuda" else 1) if wanted.devices == "auto" else wanted.devices
    if device == "cuda" and per_node > gpus:
        raise BadInput("machine.devices", str(per_node), f"at most {gpus}, the GPUs of this machine", "Set fewer.")
    devices = per_node * wanted.nodes
    strategy = wanted.strategy
    name = ("single" if devices == 1 else "ddp") if strategy == "auto" else strategy
    if devices % wanted.tensor_parallel:
        raise BadInput(
            "machine.tensor_parallel",
            f"{wanted.tensor_parallel} of {devices} devices",
            "a number that divides them",
            "Correct one of them.",
        )
    if strategy == "tensor_parallel" and devices != wanted.tensor_parallel:
        raise BadInput(
            "machine.tensor_parallel",
            f"{wanted.tensor_parallel} of {devices} devices",
            f"{devices}, or strategy fsdp+tensor_parallel",
            "Correct one of them.",
        )
    if name not in ("single", "ddp") and recipe.optimizer.kind == "muon":
        raise BadInput(
            "optimizer.kind",
            "muon, which needs each matrix whole",
            "adamw where matrices are spread over devices",
            "Use adamw, or machine.strategy: ddp.",
        )
    if name not in ("single", "ddp") and recipe.precision == "16":
        raise BadInput("precision", "16", "bf16 or 32 where matrices are spread", "Set precision: bf16.")
    ranks = devices // wanted.tensor_parallel
    shards = {"single": 1, "ddp": 1, "tensor_parallel": wanted.tensor_parallel}.get(name, devices)
    return Machine(device, devices, per_node, ranks, shards, name, _dtype(recipe, device))


def _dtype(recipe: TrainingRecipe, device: Device) -> torch.dtype:
    if recipe.precision == "16" and device == "cpu":
        raise BadInput("precision", "16", "32, bf16 or auto on a CPU", "auto fits the processor.")
    if recipe.precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device == "cuda" else multiplies_bfloat16()
        return torch.bfloat16 if fast else torch.float16 if device == "cuda" else torch.float32
    return {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}[recipe.precision]


def lightning_precision(machine: Machine) -> Any:
    """What FSDP gathers comes in its format already, so Lightning adds none."""
    if machine.dtype == torch.float32 or "fsdp" in machine.strategy:
        return "32-true"
    return "bf16-mixed" if machine.dtype == torch.bfloat16 else "16-mixed"
