"""Where a token stands: rotary, ALiBi and sinusoidal positions, all closed formulas.

Axes: B batch, T time, S source, H heads, E width that turns, D model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from alen.neural.config import Llama3Scaling, PositionalConfig


def frequencies(width: int, positional: PositionalConfig) -> Tensor:
    """Radians a token of each of the ``width`` // 2 pairs, float64 on the CPU (Su et al., 2021, "RoFormer")."""
    plain = positional.rope_base ** (-torch.arange(0, width, 2, dtype=torch.float64, device="cpu") / width)
    scaling = positional.rope_scaling
    if scaling is None:
        return plain
    if not isinstance(scaling, Llama3Scaling):
        return plain / scaling
    # How often a pair turns within the length that the model was first trained on decides.
    turns = scaling.original_max_seq_len * plain / (2 * math.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return kept * plain + (1 - kept) * plain / scaling.factor


def rotation_table(length: int, width: int, positional: PositionalConfig) -> tuple[Tensor, Tensor]:
    """cos and sin, float32 (length, width // 2) on the CPU."""
    # In float64, which not every device has: at position 8,000 a float32 angle is off in the fourth digit.
    angle = torch.arange(length, dtype=torch.float64, device="cpu")[:, None] * frequencies(width, positional)
    return angle.cos().float(), angle.sin().float()


def rotate(x_BTHE: Tensor, cos_BTE: Tensor, sin_BTE: Tensor) -> Tensor:
    """Turn every head by its position; feature i turns with feature i + E/2. For complex heads, whose real parts
    come first, this is the product with a phase."""
    first, second = x_BTHE.chunk(2, dim=-1)
    # Under autocast the heads are narrower than the model.
    cos, sin = cos_BTE.unsqueeze(-2).to(x_BTHE.dtype), sin_BTE.unsqueeze(-2).to(x_BTHE.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def alibi_slopes(heads: int) -> Tensor:
    """Penalty a token of distance by head, float32 (H,) (Press et al., 2022): a geometric series for powers of two,
    and for other numbers every second term of the next longer series after it."""

    def series(count: int) -> list[float]:
        return [2 ** (-8 * (place + 1) / count) for place in range(count)]

    whole = 2 ** math.floor(math.log2(heads))
    return torch.tensor(series(whole) + series(2 * whole)[::2][: heads - whole], device="cpu")


def sinusoids(length: int, d_model: int) -> Tensor:
    """float32 (length, D) (Vaswani et al., 2017): sines and cosines take turns."""
    angle = torch.arange(length, dtype=torch.float64, device="cpu")[:, None] * 10000.0 ** (
        -torch.arange(0, d_model, 2, dtype=torch.float64, device="cpu") / d_model
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).float()
