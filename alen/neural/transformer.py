"""The transformer: token ids in, hidden states or logits out. Axes: B batch, T time, S source, D model, V words."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from alen.neural.block import Block
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.initialise import initialise
from alen.neural.masks import Scope, scope
from alen.neural.norms import make_norm
from alen.neural.paging.keys import PagedKeys
from alen.neural.positions import alibi_slopes, rotation_table, sinusoids


class Transformer(nn.Module):
    """A decoder or an encoder, as its configuration says."""

    cos: Tensor
    sin: Tensor
    sinusoids: Tensor
    slopes: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        encoding = config.positional.encoding
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.max_seq_len, config.d_model) if encoding == "learned" else None
        self.type_embedding = nn.Embedding(config.token_types, config.d_model) if config.token_types else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        # A post-norm model normalises its embeddings instead of its output.
        self.norm = make_norm(config)
        self.head: nn.Module | None = (
            nn.Linear(config.d_model, config.vocab_size, bias=False)
            if config.language_head and not config.tie_embeddings
            else None
        )
        self.fill_tables()
        initialise(self)

    def fill_tables(self) -> None:
        """Compute what follows from the configuration and is never stored. On the meta device this leaves shapes."""
        config, device = self.config, self.embedding.weight.device
        tables: dict[str, Tensor] = {}
        if config.positional.encoding == "rope":
            cos, sin = rotation_table(config.max_seq_len, config.query_dim, config.positional)
            tables = {"cos": cos, "sin": sin}
        elif config.positional.encoding == "sinusoidal":
            tables = {"sinusoids": sinusoids(config.max_seq_len, config.d_model)}
        elif config.positional.encoding == "alibi":
            tables = {"slopes": alibi_slopes(config.attention.num_heads)}
        for name, table in tables.items():
            self.register_buffer(name, table.to(device), persistent=False)

    def hidden(
        self,
        tokens_BT: Tensor,
        *,
        cache: KVCache | None = None,
        positions_BT: Tensor | None = None,
        mask_BTS: Tensor | None = None,
        keep_BS: Tensor | None = None,
        counts_B: Tensor | None = None,
        types_BT: Tensor | None = None,
        prefix_BPD: Tensor | None = None,
    ) -> Tensor:
        """Final hidden states (B, T, D), or (B, P + T, D) where ``prefix_BPD`` stands before the tokens as if it were
        their embeddings.

        ``mask_BTS`` is boolean, True = may attend, broadcast over heads; it replaces the causal rule. ``keep_BS`` is
        boolean, False for padding, over all that is cached and new. ``counts_B`` says for a cached batch how many of
        the T tokens of each row are real, the others being padding at its end. Positions default to counting on from
        the cache, ``types_BT`` to 0."""
        time = tokens_BT.shape[1] + (0 if prefix_BPD is None else prefix_BPD.shape[1])
        if cache is not None:
            cache.begin(time, counts_B)
        # Blocks are laid out for positions that count on, and their kernel cannot drop weights.
        flexible = positions_BT is None and not (self.training and self.config.attention.dropout)
        if positions_BT is None:
            positions_BT = self._positions(time, tokens_BT.device, cache)
        x_BTD = self._embedded(tokens_BT, positions_BT, types_BT, prefix_BPD)
        scopes = self._scopes(positions_BT, cache, mask_BTS, keep_BS, x_BTD.dtype, flexible)
        x_BTD = self._passed(x_BTD, positions_BT, scopes, cache, 0, len(self.blocks))
        if cache is not None:
            cache.advance(time)
        return self.finished(x_BTD)

    def embedded(self, tokens_BT: Tensor, *, positions_BT: Tensor | None = None) -> Tensor:
        """States (B, T, D) before the first layer."""
        if positions_BT is None:
            positions_BT = self._positions(tokens_BT.shape[1], tokens_BT.device, None)
        return self._embedded(tokens_BT, positions_BT, None)

    def passed(
        self,
        x_BTD: Tensor,
        first: int,
        last: int,
        *,
        positions_BT: Tensor | None = None,
        mask_BTS: Tensor | None = None,
    ) -> Tensor:
        """States (B, T, D) after the layers from ``first`` to before ``last``, of those before them. ``hidden`` is
        ``finished`` of all layers ``passed`` by what is ``embedded``; arguments are as there."""
        if positions_BT is None:
            positions_BT = self._positions(x_BTD.shape[1], x_BTD.device, None)
        scopes = self._scopes(positions_BT, None, mask_BTS, None, x_BTD.dtype, False)
        return self._passed(x_BTD, positions_BT, scopes, None, first, last)

    def finished(self, x_BTD: Tensor) -> Tensor:
        """Final hidden states of those after the last layer."""
        return x_BTD if self.config.norm.placement == "post" else self.norm(x_BTD)

    def _passed(
        self,
        x_BTD: Tensor,
        positions_BT: Tensor,
        scopes: dict[int | None, Scope],
        cache: KVCache | None,
        first: int,
        last: int,
    ) -> Tensor:
        rotation = self._rotation(positions_BT, x_BTD.dtype)
        every = self.config.checkpoint_every if self.training and torch.is_grad_enabled() and cache is None else 0
        for layer in range(first, last):
            block, scope_here = self.blocks[layer], scopes[self.config.window(layer)]
            if every and layer % every == 0:
                x_BTD = checkpoint(block, x_BTD, rotation, scope_here, None, layer, use_reentrant=False)
            else:
                x_BTD = block(x_BTD, rotation, scope_here, cache, layer)
        return x_BTD

    def _rotation(self, positions_BT: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
        if self.config.positional.encoding != "rope":
            return None
        return self.cos[positions_BT].to(dtype), self.sin[positions_BT].to(dtype)

    def paged(self, tokens_T: Tensor, positions_T: Tensor, keys: PagedKeys) -> Tensor:
        """Final hidden states (T, D) of rows that may belong to many texts: ``keys`` knows to which, and who sees
        whom."""
        positions_BT = positions_T[None]
        x_BTD = self._embedded(tokens_T[None], positions_BT, None)
        rotation = self._rotation(positions_BT, x_BTD.dtype)
        for layer, block in enumerate(self.blocks):
            x_BTD = block(x_BTD, rotation, Scope(), keys, layer)
        return self.finished(x_BTD)[0]

    def _positions(self, time: int, device: torch.device, cache: KVCache | None) -> Tensor:
        if cache is not None:
            return cache.positions(time, device)
        return torch.arange(time, device=device)[None]

    def _embedded(
        self, tokens_BT: Tensor, positions_BT: Tensor, types_BT: Tensor | None, prefix_BPD: Tensor | None = None
    ) -> Tensor:
        x_BTD = self.embedding(tokens_BT)
        if prefix_BPD is not None:
            x_BTD = torch.cat([prefix_BPD.to(x_BTD.dtype), x_BTD], dim=1)
        if self.position_embedding is not None:
            x_BTD = x_BTD + self.position_embedding(positions_BT)
        elif self.config.positional.encoding == "sinusoidal":
            x_BTD = x_BTD + self.sinusoids[positions_BT].to(x_BTD.dtype)
        if self.type_embedding is not None:
            x_BTD = x_BTD + (self.type_embedding.weight[0] if types_BT is None else self.type_embedding(types_BT))
        if self.config.norm.placement == "post":
            x_BTD = self.norm(x_BTD)
        return F.dropout(x_BTD, self.config.dropout) if self.config.dropout and self.training else x_BTD

    def _scopes(
        self,
        positions_BT: Tensor,
        cache: KVCache | None,
        mask_BTS: Tensor | None,
        keep_BS: Tensor | None,
        dtype: torch.dtype,
        flexible: bool,
    ) -> dict[int | None, Scope]:
        """By window; layers with the same window share theirs."""
        found: dict[int | None, Scope] = {}
        time, fresh = positions_BT.shape[1], cache is None or cache.length == 0
        for layer in range(len(self.blocks)):
            window = self.config.window(layer)
            if window in found:
                continue
            sources_BS = positions_BT
            if cache is not None and not (fresh and window is None):
                sources_BS = cache.source_positions(layer, time, positions_BT.device)
            found[window] = scope(
                query_BT=positions_BT,
                source_BS=sources_BS,
                causal=self.config.attention.mask_type != "bidirectional",
                fresh=fresh and sources_BS is positions_BT,
                past=cache is not None and cache.is_past(layer, time),
                window=window,
                keep_BS=keep_BS,
                mask_BTS=mask_BTS,
                slopes_H=self.slopes if self.config.positional.encoding == "alibi" else None,
                dtype=dtype,
                flexible=flexible and cache is None,
            )
        return found

    @property
    def output_weight(self) -> Tensor:
        """What hidden states are multiplied by to become logits (V, D): for losses that make logits in pieces."""
        return self.head.weight if isinstance(self.head, nn.Linear) else self.embedding.weight

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
        keep_BS: Tensor | None = None,
        counts_B: Tensor | None = None,
        types_BT: Tensor | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Logits (B, T, V), or (B, 1, V) of the last token alone. Arguments as of ``hidden``."""
        hidden_BTD = self.hidden(
            tokens_BT,
            cache=cache,
            positions_BT=positions_BT,
            mask_BTS=mask_BTS,
            keep_BS=keep_BS,
            counts_B=counts_B,
            types_BT=types_BT,
        )
        return self.logits(hidden_BTD[:, -1:] if last_only else hidden_BTD)
