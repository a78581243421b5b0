"""Normalisation layers by name."""

from __future__ import annotations

from torch import nn

from alen.neural.config import TransformerConfig


def make_norm(config: TransformerConfig, width: int | None = None) -> nn.Module:
    """RMSNorm (Zhang and Sennrich, 2019) or LayerNorm over the model width, or over ``width`` features."""
    kind = nn.RMSNorm if config.norm.type == "rmsnorm" else nn.LayerNorm
    return kind(width or config.d_model, eps=config.norm.eps)
