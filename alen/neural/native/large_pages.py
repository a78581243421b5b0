"""Memory in large pages, where the system has them: weights are read from end to end for every token, and finding each
small page of them takes longer than reading some of its lines."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Sequence

import torch
from torch import Tensor

LARGE = 2 * 2**20
_LINE = 64


def mapped(size: int) -> Tensor:
    """``size`` bytes of zeros, which take no memory before they are written to."""
    block = mmap.mmap(-1, size + LARGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            block.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(block, dtype=torch.uint8)
    start = -whole.data_ptr() % LARGE
    return whole[start : start + size]


def together(parts: Sequence[Tensor]) -> list[Tensor]:
    """Copies of uint8 tensors, one after another, each at the beginning of a line of the caches."""
    sizes = [-(-part.numel() // _LINE) * _LINE for part in parts]
    block, at, copies = mapped(sum(sizes)), 0, []
    for part, size in zip(parts, sizes, strict=True):
        copies.append(block[at : at + part.numel()].copy_(part.flatten()))
        at += size
    return copies
