"""Which number format a model should compute in on this processor."""

from __future__ import annotations

from typing import Literal

import torch

from alen.errors import BadInput

Precision = Literal["auto", "float32", "bfloat16"]


def choose_dtype(precision: Precision) -> torch.dtype:
    """``auto`` is bfloat16 where the processor multiplies it natively, float32 elsewhere. Raises BadInput."""
    if precision == "auto":
        return torch.bfloat16 if multiplies_bfloat16() else torch.float32
    if precision not in ("float32", "bfloat16"):
        raise BadInput("dtype", repr(precision), "auto, float32 or bfloat16", "auto fits the processor.")
    return torch.float32 if precision == "float32" else torch.bfloat16


def multiplies_bfloat16() -> bool:
    """Whether AVX-512 BF16 or AMX is there. Without them a bfloat16 product of matrices is emulated, up to 500 times
    slower than float32 (pytorch/pytorch#146508)."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
