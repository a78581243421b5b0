"""One layer: attention and feed-forward with norms before (pre) or after (post). Axes: B batch, T time, D model."""

from __future__ import annotations

from torch import Tensor, nn

from alen.neural.attention import Attention
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.feedforward import FeedForward
from alen.neural.norms import make_norm


class Block(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.pre = config.norm.placement == "pre"
        self.attention_norm = make_norm(config)
        self.attention = Attention(config)
        self.ffn_norm = make_norm(config)
        self.ffn = FeedForward(config)

    def forward(
        self,
        x_BTD: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        mask_B1TS: Tensor | None,
        cache: KVCache | None,
        layer: int,
    ) -> Tensor:
        if self.pre:
            x_BTD = x_BTD + self.attention(self.attention_norm(x_BTD), rotation, mask_B1TS, cache, layer)
            return x_BTD + self.ffn(self.ffn_norm(x_BTD))
        x_BTD = self.attention_norm(x_BTD + self.attention(x_BTD, rotation, mask_B1TS, cache, layer))
        return self.ffn_norm(x_BTD + self.ffn(x_BTD))
