"""Rotary positions (Su et al., 2021), half-split: feature i turns with feature i + E/2.

Axes: B batch, T time, H heads, E head width.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rotation_table(length: int, head_dim: int, base: float) -> tuple[Tensor, Tensor]:
    """cos and sin, float32 (length, head_dim) on the CPU, each angle repeated for both halves."""
    # In float64, which not every device has: at position 8,000 a float32 angle is off in the fourth digit.
    frequency = base ** (-torch.arange(0, head_dim, 2, dtype=torch.float64, device="cpu") / head_dim)
    angle = torch.arange(length, dtype=torch.float64, device="cpu")[:, None] * frequency[None, :]
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().float(), angle.sin().float()


def rotate(x_BTHE: Tensor, cos_BTE: Tensor, sin_BTE: Tensor) -> Tensor:
    """Turn every head by its position."""
    first, second = x_BTHE.chunk(2, dim=-1)
    turned_BTHE = torch.cat([-second, first], dim=-1)
    return x_BTHE * cos_BTE.unsqueeze(-2) + turned_BTHE * sin_BTE.unsqueeze(-2)
