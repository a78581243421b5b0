"""One layer: attention and feed-forward with norms before, after, or on both sides. Axes: B batch, T time, D model."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.attention import Attention
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.feedforward import FeedForward
from alen.neural.masks import Scope
from alen.neural.norms import make_norm
from alen.neural.paging.keys import PagedKeys
from alen.neural.residual import add_norm


class Block(nn.Module):
    """``pre``: x + f(norm(x)); ``post``: norm(x + f(x)); ``sandwich``: x + norm(f(norm(x))). With parallel layers both
    parts read the same normalised input and are added at once."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.post = config.norm.placement == "post"
        self.parallel = config.parallel_layers
        self.dropout = config.dropout
        sandwich = config.norm.placement == "sandwich"
        self.attention_norm = make_norm(config)
        self.attention = Attention(config)
        self.attention_out_norm = make_norm(config) if sandwich else None
        self.ffn_norm = None if self.parallel else make_norm(config)
        self.ffn = FeedForward(config)
        self.ffn_out_norm = make_norm(config) if sandwich else None

    def forward(
        self,
        x_BTD: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        scope: Scope,
        cache: KVCache | PagedKeys | None,
        layer: int,
    ) -> Tensor:
        if self.post:
            assert self.ffn_norm is not None
            added_BTD = self._dropped(self.attention(x_BTD, rotation, scope, cache, layer))
            _, x_BTD = add_norm(x_BTD, added_BTD, self.attention_norm)
            return add_norm(x_BTD, self._dropped(self.ffn(x_BTD)), self.ffn_norm)[1]
        normed_BTD = self.attention_norm(x_BTD)
        added_BTD = self.attention(normed_BTD, rotation, scope, cache, layer)
        if self.attention_out_norm is not None:
            added_BTD = self.attention_out_norm(added_BTD)
        added_BTD = self._dropped(added_BTD)
        if self.ffn_norm is None:
            x_BTD = x_BTD + added_BTD
        else:
            x_BTD, normed_BTD = add_norm(x_BTD, added_BTD, self.ffn_norm)
        added_BTD = self.ffn(normed_BTD)
        if self.ffn_out_norm is not None:
            added_BTD = self.ffn_out_norm(added_BTD)
        return x_BTD + self._dropped(added_BTD)

    def _dropped(self, x_BTD: Tensor) -> Tensor:
        return F.dropout(x_BTD, self.dropout) if self.dropout and self.training else x_BTD
