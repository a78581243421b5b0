"""Normalisation layers by name."""

from __future__ import annotations

from torch import nn

from alen.neural.config import TransformerConfig


def make_norm(config: TransformerConfig) -> nn.Module:
    """RMSNorm (Zhang and Sennrich, 2019) or LayerNorm over the model width."""
    kind = nn.RMSNorm if config.norm.type == "rmsnorm" else nn.LayerNorm
    return kind(config.d_model, eps=config.norm.eps)
