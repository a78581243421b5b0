"""One key of a recipe becomes a strategy of Lightning's. Several nodes are started as Lightning does it, by torchrun or
SLURM, which say who is who."""

from __future__ import annotations

from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, SingleDeviceStrategy, Strategy

from alen.training.machine import Machine


def make_strategy(machine: Machine, tensor_parallel: int) -> Strategy | str:
    """Lightning's own FSDP refuses a CPU and makes one vector of all weights of a layer; torch's newer one, which its
    ``ModelParallelStrategy`` takes, does neither."""
    if machine.strategy == "single":
        return SingleDeviceStrategy(device=f"{machine.device}:0" if machine.device == "cuda" else "cpu")
    if machine.strategy == "ddp":
        return DDPStrategy(gradient_as_bucket_view=True, static_graph=False)
    return ModelParallelStrategy(
        data_parallel_size=machine.devices // tensor_parallel, tensor_parallel_size=tensor_parallel
    )
