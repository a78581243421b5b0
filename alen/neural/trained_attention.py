"""Attention in bfloat16 on the CPU, for training, as the matrix products it is made of.

Backward, torch's fused kernel takes two to three times as long in bfloat16 as these, which run on the matrix units.
Axes: B batch, H heads, T time, E width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alen.neural.masks import HIDDEN, Scope

MOST = 2**24
"""Probabilities of a layer (B · H · T · T); they are kept for the way back, and above this the fused kernel, which
computes them again, is worth its time."""


def applies(q_BHTE: Tensor, k_BHTE: Tensor, scope: Scope, dropout: float) -> bool:
    """Whether ``attention`` can do this and is the faster way."""
    batch, heads, time, _ = q_BHTE.shape
    return (
        q_BHTE.requires_grad
        and q_BHTE.device.type == "cpu"
        and q_BHTE.dtype == torch.bfloat16
        and scope.mask is None
        and not dropout
        and k_BHTE.shape[2] == time
        and batch * heads * time * time <= MOST
    )


def attention(q_BHTE: Tensor, k_BHTE: Tensor, v_BHTE: Tensor, *, causal: bool) -> Tensor:
    """(B, H, T, E). Key and value heads may be fewer; each serves as many query heads in a row."""
    batch, heads, time, width = q_BHTE.shape
    groups = heads // k_BHTE.shape[1]
    if groups > 1:
        k_BHTE, v_BHTE = (x.repeat_interleave(groups, 1) for x in (k_BHTE, v_BHTE))
    q, k, v = (x.reshape(batch * heads, time, -1) for x in (q_BHTE * width**-0.5, k_BHTE, v_BHTE))
    mask_TT = q.new_full((time, time), HIDDEN).triu(1) if causal else q.new_zeros(1, 1)
    weights = torch.baddbmm(mask_TT, q, k.transpose(1, 2)).softmax(-1)
    return torch.bmm(weights, v).view(batch, heads, time, -1)
