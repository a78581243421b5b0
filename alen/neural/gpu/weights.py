"""Weights of one byte each, with a scale for each output: half of what a token has to wait for on a GPU.

Axes: R rows, N inputs, M outputs.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.errors import BadInput

Format = Literal["bfloat16", "int8", "float8"]
FORMATS: tuple[Format, ...] = ("bfloat16", "int8", "float8")

_KINDS = {"int8": torch.int8, "float8": torch.float8_e4m3fn}

_ENDS = 2
"""Layers at either end that float8 does not touch."""

FEW = 64
"""Rows up to which bytes are turned into numbers while they are multiplied. With more, products take longer than
weights do to be read, and are left to the library."""


class ScaledLinear(nn.Module):
    """A linear layer with weights rounded to ``format``."""

    weight_MN: Tensor
    scale_M: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear, format: Literal["int8", "float8"]) -> None:
        super().__init__()
        kind, weight = _KINDS[format], linear.weight.detach().float()
        most = 127.0 if kind == torch.int8 else torch.finfo(kind).max
        scale_M = weight.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny * most) / most
        scaled = weight / scale_M[:, None]
        self.register_buffer("weight_MN", (scaled.round() if kind == torch.int8 else scaled).to(kind))
        self.register_buffer("scale_M", scale_M)
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        rows = x.numel() // x.shape[-1]
        if x.is_cuda and rows <= FEW and _installed():
            out = _kernel().multiply(x.reshape(rows, -1), self.weight_MN, self.scale_M).view(*x.shape[:-1], -1)
        else:
            out = F.linear(x, self.weight_MN.to(x.dtype)) * self.scale_M.to(x.dtype)
        return out if self.bias is None else out + self.bias.to(out.dtype)


def round_weights(model: nn.Module, format: Format) -> None:
    """Round the linear layers within blocks; the head over the vocabulary, which decides between words that are nearly
    as likely, stays as it is. Raises BadInput."""
    if format not in FORMATS:
        raise BadInput("format", repr(format), ", ".join(FORMATS), "bfloat16 rounds least.")
    if format == "bfloat16":
        return
    blocks = list(model.get_submodule("blocks").children())
    for place, block in enumerate(blocks):
        for parent in list(block.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear) and not (format == "float8" and _is_kept(name, place, len(blocks))):
                    setattr(parent, name, ScaledLinear(child, format))


def _is_kept(name: str, place: int, count: int) -> bool:
    """Where three bits of a mantissa cost most, measured on SmolLM2: more than half of what they cost in all."""
    return name == "qkv" or place < _ENDS or place >= count - _ENDS


@cache
def _installed() -> bool:
    return find_spec("triton") is not None


def _kernel() -> Any:
    # Not at the top: triton comes with torch for GPUs alone.
    from alen.neural.gpu import weight_kernel

    return weight_kernel
