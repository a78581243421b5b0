"""Position-wise feed-forward: gated (Shazeer, 2020) or two layers. Axes: B batch, T time, D model, F inner."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.config import TransformerConfig

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}
_GATES = {"swiglu": "silu", "geglu": "gelu"}


class FeedForward(nn.Module):
    """Gate and up projections are one matrix: one call reads them both."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gated = config.ffn.variant in _GATES
        self.activation = _ACTIVATIONS[_GATES.get(config.ffn.variant, config.ffn.activation)]
        self.dropout = config.ffn.dropout
        width = config.hidden_dim * (2 if self.gated else 1)
        self.gate_up = nn.Linear(config.d_model, width, bias=config.ffn.bias)
        self.down = nn.Linear(config.hidden_dim, config.d_model, bias=config.ffn.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        inner = self.gate_up(x_BTD)
        if self.gated:
            gate_BTF, up_BTF = inner.chunk(2, dim=-1)
            inner = self.activation(gate_BTF) * up_BTF
        else:
            inner = self.activation(inner)
        if self.dropout and self.training:
            inner = F.dropout(inner, self.dropout)
        return self.down(inner)
