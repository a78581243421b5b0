"""The norm of all gradients, and clipping by it, also of tensors that are spread over devices in several ways."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor


def mesh_of(tensor: Tensor) -> object:
    """What tells tensors apart that one kernel cannot take together: the devices that they are spread over."""
    return tensor.device_mesh if isinstance(tensor, DTensor) else None


def clip_by_norm(parameters: Iterable[nn.Parameter], clip: float | None) -> Tensor:
    """Scale the gradients so that their common norm is at most ``clip``; the norm before, on the device. Nothing is
    waited for."""
    there = [parameter for parameter in parameters if parameter.grad is not None]
    apart: dict[object, list[nn.Parameter]] = {}
    for parameter in there:
        apart.setdefault(mesh_of(parameter), []).append(parameter)
    norms = [_norm(part) for part in apart.values()]
    if not norms:
        return torch.zeros(())
    norm = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))
    if clip is not None:
        for part in apart.values():
            torch.nn.utils.clip_grads_with_norm_(part, clip, norm)
    return norm


def _norm(parameters: list[nn.Parameter]) -> Tensor:
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    return norm.full_tensor() if isinstance(norm, DTensor) else norm
