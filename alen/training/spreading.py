"""A model spread over devices: its layers cut by FSDP, its matrices shared by tensor parallelism, or both.

Axes: D model, F inner, N output features.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.distributed.tensor.parallel.style import ParallelStyle
from torch.optim import Optimizer

from alen.neural.feedforward import FeedForward
from alen.training.building import encoder_of
from alen.training.gradient_norm import mesh_of
from alen.training.objective import Objective


def spread(objective: Objective, mesh: DeviceMesh, *, fsdp: bool, dtype: torch.dtype = torch.float32) -> None:
    """In place, over a mesh of ``data_parallel`` by ``tensor_parallel``. With ``fsdp`` each layer is cut among the
    first of them, and gathered as ``dtype`` when its turn comes; gradients are summed in float32."""
    encoder = encoder_of(objective.model)
    if mesh["tensor_parallel"].size() > 1:
        for block in encoder.blocks:
            parallelize_module(block, mesh["tensor_parallel"], _plan(block))
    if not fsdp:
        return
    policy = MixedPrecisionPolicy(param_dtype=None if dtype == torch.float32 else dtype, reduce_dtype=torch.float32)
    over = mesh["data_parallel"]
    for block in encoder.blocks:
        fully_shard(block, mesh=over, mp_policy=policy)
    fully_shard(objective, mesh=over, mp_policy=policy)
    register_fsdp_forward_method(objective, "held")


def _plan(block: nn.Module) -> dict[str, ParallelStyle]:
    """Rows of the first matrix of each part, columns of the second. Where several matrices stand in one over the other
    (queries, keys and values; gate and up), the features of all are gathered before they are told apart."""
    ffn = block.ffn
    assert isinstance(ffn, FeedForward)
    plan: dict[str, ParallelStyle] = {
        "attention.qkv": ColwiseParallel(output_layouts=Replicate()),
        "attention.o": RowwiseParallel(input_layouts=Replicate()),
        "ffn.gate_up": ColwiseParallel(output_layouts=Replicate()) if ffn.gated else ColwiseParallel(),
        "ffn.down": RowwiseParallel(input_layouts=Replicate()) if ffn.gated else RowwiseParallel(),
    }
    return plan


def split_groups(optimizer: Optimizer) -> Optimizer:
    """Groups of parameters that are spread in one way: one kernel takes no others together."""
    groups = []
    for group in optimizer.param_groups:
        apart: dict[object, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            apart.setdefault(mesh_of(parameter), []).append(parameter)
        groups += [{**group, "params": parameters} for parameters in apart.values()]
    optimizer.param_groups[:] = groups
    return optimizer
