"""Who sees whom: one rule for every mask, and the fused kernel's own causal mask wherever it says the same.

Axes: B batch, T time (queries), S source (keys), H heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from alen.neural import flex
from alen.neural.flex import FlexMask

HIDDEN = float("-inf")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a layer hands to attention: a mask (boolean, True = may look, or added to the scores; None for all), or
    ``causal``, which means the kernel's own mask with queries and keys aligned at the first token, or ``flex``, which
    says it in blocks. ``window`` is the limit that the mask holds, for kernels that know windows themselves."""

    mask: Tensor | None = None
    causal: bool = False
    window: int | None = None
    flex: FlexMask | None = None


def scope(
    *,
    query_BT: Tensor,
    source_BS: Tensor,
    causal: bool,
    fresh: bool,
    past: bool = False,
    window: int | None,
    keep_BS: Tensor | None = None,
    mask_BTS: Tensor | None = None,
    slopes_H: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    flexible: bool = False,
) -> Scope:
    """``query_BT`` and ``source_BS`` are positions, below 0 for an empty slot. ``fresh`` says that queries and keys are
    the same tokens in their order; ``past``, that no key is empty or comes after any query. ``keep_BS`` is False for
    padding. ``mask_BTS`` replaces the causal rule. ``slopes_H`` are ALiBi's. ``flexible`` allows blocks instead of a
    dense mask where positions count from 0 and weights are not dropped."""
    time, sources = query_BT.shape[1], source_BS.shape[1]
    limit = window if window is not None and sources > window else None
    if mask_BTS is None and keep_BS is None and slopes_H is None:
        if not causal or (past and limit is None):
            return Scope()
        if fresh and limit is None:
            return Scope(causal=True) if time > 1 else Scope()
    whole = limit if fresh and mask_BTS is None and keep_BS is None and slopes_H is None else None
    if flexible and fresh and mask_BTS is None and flex.applies(query_BT.device):
        blocks = flex.flex_mask(time, query_BT.device, causal=causal, window=limit, keep_BS=keep_BS, slopes_H=slopes_H)
        return Scope(window=whole, flex=blocks)
    allowed = mask_BTS
    if allowed is None and causal:
        allowed = (source_BS[:, None] <= query_BT[..., None]) & (source_BS[:, None] >= 0)
    if limit is not None:
        near = source_BS[:, None] > query_BT[..., None] - limit
        allowed = near if allowed is None else allowed & near
    if keep_BS is not None:
        allowed = keep_BS[:, None] if allowed is None else allowed & keep_BS[:, None]
    mask = None if allowed is None else allowed.unsqueeze(1)
    if slopes_H is not None:
        distance_BTS = (query_BT[..., None] - source_BS[:, None]).abs()
        mask_BHTS = -slopes_H[:, None, None] * distance_BTS.unsqueeze(1).float()
        mask = (mask_BHTS if mask is None else mask_BHTS.masked_fill(~mask, HIDDEN)).to(dtype)
    return Scope(mask, window=whole)
