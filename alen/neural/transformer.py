"""The transformer: token ids in, hidden states or logits out. Axes: B batch, T time, S source, D model, V words."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.block import Block
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.norms import make_norm
from alen.neural.positions import rotation_table


class Transformer(nn.Module):
    """A decoder or an encoder, as its configuration says."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = (
            nn.Embedding(config.max_seq_len, config.d_model) if config.positional.encoding == "learned" else None
        )
        self.type_embedding = nn.Embedding(config.token_types, config.d_model) if config.token_types else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        # A post-norm model normalises its embeddings instead of its output.
        self.norm = make_norm(config)
        self.head: nn.Module | None = (
            nn.Linear(config.d_model, config.vocab_size, bias=False)
            if config.language_head and not config.tie_embeddings
            else None
        )
        if config.positional.encoding == "rope":
            cos, sin = rotation_table(config.max_seq_len, config.head_dim, config.positional.rope_base)
            self.register_buffer("cos", cos.to(self.embedding.weight.device), persistent=False)
            self.register_buffer("sin", sin.to(self.embedding.weight.device), persistent=False)

    def hidden(
        self,
        tokens_BT: Tensor,
        *,
        cache: KVCache | None = None,
        positions_BT: Tensor | None = None,
        mask_BTS: Tensor | None = None,
    ) -> Tensor:
        """Final hidden states (B, T, D).

        ``mask_BTS`` is boolean, True = may attend, broadcast over heads; None means causal over everything cached
        (or everything, for a bidirectional model). Positions default to counting on from the cache."""
        config, (_, time) = self.config, tokens_BT.shape
        past = cache.length if cache is not None else 0
        if positions_BT is None:
            positions_BT = torch.arange(past, past + time, device=tokens_BT.device)[None]
        if mask_BTS is None and past and time > 1 and config.attention.mask_type == "causal":
            mask_BTS = torch.ones(time, past + time, dtype=torch.bool, device=tokens_BT.device).tril(past)[None]
        x_BTD = self.embedding(tokens_BT)
        if self.position_embedding is not None:
            x_BTD = x_BTD + self.position_embedding(positions_BT)
        if self.type_embedding is not None:
            x_BTD = x_BTD + self.type_embedding.weight[0]
        rotation = None
        if config.positional.encoding == "rope":
            rotation = (self.cos[positions_BT].to(x_BTD.dtype), self.sin[positions_BT].to(x_BTD.dtype))
        mask_B1TS = None if mask_BTS is None else mask_BTS.unsqueeze(1)
        post = config.norm.placement == "post"
        if post:
            x_BTD = self.norm(x_BTD)
        for layer, block in enumerate(self.blocks):
            x_BTD = block(x_BTD, rotation, mask_B1TS, cache, layer)
        if cache is not None:
            cache.advance(time)
        return x_BTD if post else self.norm(x_BTD)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Logits over the vocabulary (…, V)."""
        return self.head(hidden_BTD) if self.head is not None else F.linear(hidden_BTD, self.embedding.weight)

    def forward(
        self,
        tokens_BT: Tensor,
        *,
        cache: KVCache | None = None,
        positions_BT: Tensor | None = None,
        mask_BTS: Tensor | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Logits (B, T, V), or (B, 1, V) of the last token alone."""
        hidden_BTD = self.hidden(tokens_BT, cache=cache, positions_BT=positions_BT, mask_BTS=mask_BTS)
        return self.logits(hidden_BTD[:, -1:] if last_only else hidden_BTD)
