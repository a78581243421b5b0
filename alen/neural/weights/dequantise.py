"""Blocks of small integers with their scales, as GGUF stores them, to floating point.

Axes: N blocks, Q values of a block. The formats are those of ggml; what is not written out here goes through the
reference implementation in NumPy, which is slower but knows them all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from torch import Tensor

_AT_ONCE = 8192  # blocks whose float32 values stay in the cache until they are rounded to the target

_PLAIN = {
    GGMLQuantizationType.F32: torch.float32,
    GGMLQuantizationType.F16: torch.float16,
    GGMLQuantizationType.BF16: torch.bfloat16,
}


def dequantise(raw: Tensor, kind: GGMLQuantizationType, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """``raw`` bytes (uint8, one axis) as a new tensor of ``shape`` and ``dtype``. Raises NotImplementedError."""
    if kind in _PLAIN:
        return raw.clone().view(_PLAIN[kind]).view(shape).to(dtype)
    block, block_bytes = GGML_QUANT_SIZES[kind]
    raw_NX = raw.view(-1, block_bytes)
    write = _WRITERS.get(kind)
    if write is None:
        values = torch.from_numpy(dequantize(raw_NX.numpy(), kind))
        return values.to(dtype).view(shape)
    out_NQ = torch.empty(len(raw_NX), block, dtype=dtype)
    for part_NX, target_NQ in zip(raw_NX.split(_AT_ONCE), out_NQ.split(_AT_ONCE), strict=True):
        write(part_NX, target_NQ)
    return out_NQ.view(shape)


def _halves(raw_NX: Tensor) -> Tensor:
    return raw_NX.contiguous().view(torch.float16).float()


def _q8_0(raw_NX: Tensor, out_NQ: Tensor) -> None:
    out_NQ.copy_(raw_NX[:, 2:].view(torch.int8).float().mul_(_halves(raw_NX[:, :2])))


def _q4_0(raw_NX: Tensor, out_NQ: Tensor) -> None:
    scale_N1, packed = _halves(raw_NX[:, :2]), raw_NX[:, 2:]
    out_NQ[:, :16] = (packed & 15).float().sub_(8).mul_(scale_N1)
    out_NQ[:, 16:] = (packed >> 4).float().sub_(8).mul_(scale_N1)


def _q4_1(raw_NX: Tensor, out_NQ: Tensor) -> None:
    scale_N1, least_N1 = _halves(raw_NX[:, :4]).split(1, dim=1)
    packed = raw_NX[:, 4:]
    out_NQ[:, :16] = (packed & 15).float().mul_(scale_N1).add_(least_N1)
    out_NQ[:, 16:] = (packed >> 4).float().mul_(scale_N1).add_(least_N1)


_WRITERS: dict[GGMLQuantizationType, Callable[[Tensor, Tensor], None]] = {
    GGMLQuantizationType.Q8_0: _q8_0,
    GGMLQuantizationType.Q4_0: _q4_0,
    GGMLQuantizationType.Q4_1: _q4_1,
}
