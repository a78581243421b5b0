"""Masks that a fused kernel does not know, by FlexAttention (Dong et al., 2024): blocks that nothing sees are skipped,
and no mask or bias of T times T is ever made.

Axes: B batch, T time, H heads, K kv heads, E head width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention


@dataclass(frozen=True, slots=True)
class FlexMask:
    """Who sees whom in blocks, and the slopes of ALiBi (H,), if any."""

    blocks: BlockMask
    slopes_H: Tensor | None


def applies(device: torch.device) -> bool:
    """Only the compiled kernels of a GPU skip blocks; on the CPU a dense mask is the faster way."""
    return device.type == "cuda"


def flex_mask(
    time: int,
    device: torch.device,
    *,
    causal: bool,
    window: int | None,
    keep_BS: Tensor | None,
    slopes_H: Tensor | None,
) -> FlexMask:
    """For ``time`` tokens that look at each other in their order. ``keep_BS`` is False for padding."""

    def allowed(row: Tensor, _: Tensor, query: Tensor, source: Tensor) -> Tensor:
        seen = source <= query if causal else source >= 0
        if window is not None:
            seen = seen & (source > query - window)
        return seen if keep_BS is None else seen & keep_BS[row, source]

    rows = None if keep_BS is None else len(keep_BS)
    return FlexMask(create_block_mask(allowed, rows, None, time, time, device=device), slopes_H)


def attention(q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor, mask: FlexMask) -> Tensor:
    """(B, H, T, E). A query that may see nothing gives zeros."""
    slopes_H = mask.slopes_H

    def nearer(score: Tensor, _: Tensor, head: Tensor, query: Tensor, source: Tensor) -> Tensor:
        assert slopes_H is not None
        return score - slopes_H[head] * (query - source).abs()

    return _function(q_BHTE.is_cuda)(
        q_BHTE,
        k_BKTE,
        v_BKTE,
        score_mod=None if slopes_H is None else nearer,
        block_mask=mask.blocks,
        enable_gqa=q_BHTE.shape[1] != k_BKTE.shape[1],
    )


@cache
def _function(compiled: bool) -> Any:
    return torch.compile(flex_attention) if compiled else flex_attention
