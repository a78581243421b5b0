"""The sum of what a layer reads and what it adds, and the norm of that sum: one kernel where there is one.

Axes: N rows, D model.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

MOST = 2**16
"""Features that one program of the kernel can hold."""


def add_norm(x: Tensor, added: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """x + added (…, D), and its RMSNorm or LayerNorm.

    Of 2-byte numbers on a GPU the two plain operations move five tensors, the kernel four. torch.compile joins them
    itself and gets the plain ones."""
    if applies(x, added, norm):
        return _kernels().add_norm(x, added, norm)
    total = x + added
    return total, norm(total)


def applies(x: Tensor, added: Tensor, norm: nn.Module) -> bool:
    return (
        x.is_cuda
        and x.dtype == added.dtype
        and x.shape[-1] <= MOST
        and isinstance(norm, nn.RMSNorm | nn.LayerNorm)
        and norm.weight is not None
        and norm.weight.dtype == x.dtype
        and not torch.compiler.is_compiling()
        and _installed()
    )


@cache
def _installed() -> bool:
    return find_spec("triton") is not None


def _kernels() -> Any:
    # Not at the top: triton comes with torch for GPUs alone.
    from alen.neural import residual_kernel

    return residual_kernel
