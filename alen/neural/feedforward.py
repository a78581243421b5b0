"""Position-wise feed-forward: SwiGLU (Shazeer, 2020) or two layers. Axes: B batch, T time, D model, F inner."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.config import TransformerConfig

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"silu": F.silu, "gelu": F.gelu, "relu": F.relu}


class FeedForward(nn.Module):
    """Gate and up projections are one matrix: one call reads them both."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gated = config.ffn.variant == "swiglu"
        self.activation = _ACTIVATIONS["silu" if self.gated else config.ffn.activation]
        width = config.hidden_dim * (2 if self.gated else 1)
        self.gate_up = nn.Linear(config.d_model, width, bias=config.ffn.bias)
        self.down = nn.Linear(config.hidden_dim, config.d_model, bias=config.ffn.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        inner = self.gate_up(x_BTD)
        if not self.gated:
            return self.down(self.activation(inner))
        gate_BTF, up_BTF = inner.chunk(2, dim=-1)
        return self.down(self.activation(gate_BTF) * up_BTF)
