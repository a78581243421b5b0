"""A causal transformer that a vector tells what to say: a few embeddings made of it stand before the tokens.

Axes: B batch, T tokens, C condition, P prefix, D model, V words.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer


class ConditionedTransformer(nn.Module):
    """``condition_dim`` is the length of the vector, ``prefix`` how many embeddings a linear map makes of it (Li and
    Liang, 2021, "Prefix-tuning"; Mokady et al., 2021, "ClipCap"). Texts begin right after them, without a mark."""

    def __init__(self, config: TransformerConfig, condition_dim: int, prefix: int) -> None:
        if condition_dim < 1 or prefix < 1:
            field = "condition_dim" if condition_dim < 1 else "prefix"
            raise BadInput(field, str(min(condition_dim, prefix)), "a whole number of at least 1", "Enlarge it.")
        super().__init__()
        self.config, self.condition_dim, self.prefix = config, condition_dim, prefix
        self.decoder = Transformer(config)
        self.into_prefix = nn.Linear(condition_dim, prefix * config.d_model)
        with torch.no_grad():
            self.into_prefix.weight.normal_(0.0, config.init_std)
            self.into_prefix.bias.zero_()

    @property
    def room(self) -> int:
        """Tokens that stand behind the prefix at most."""
        return self.config.max_seq_len - self.prefix

    def hidden(self, condition_BC: Tensor, tokens_BT: Tensor, *, cache: KVCache | None = None) -> Tensor:
        """Hidden states (B, T + 1, D): of place t come logits of token t, the first from the vector alone. Vectors are
        of length 1. What a ``cache`` has read goes on with ``decoder``."""
        # Of a unit vector each number is small; so scaled they are of size 1, as the map expects.
        prefix_BE = self.into_prefix(condition_BC * math.sqrt(self.condition_dim))
        prefix_BPD = prefix_BE.unflatten(-1, (self.prefix, self.config.d_model))
        return self.decoder.hidden(tokens_BT, prefix_BPD=prefix_BPD, cache=cache)[:, self.prefix - 1 :]

    def forward(self, condition_BC: Tensor, tokens_BT: Tensor) -> Tensor:
        """Logits (B, T + 1, V)."""
        return self.decoder.logits(self.hidden(condition_BC, tokens_BT))
