"""Self-attention with shared key and value heads (Ainslie et al., 2023, "GQA"), or with complex queries and keys.

Axes: B batch, T time, S source, H heads, K kv heads, D model, E width of queries and keys, V width of values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural import flex, trained_attention
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.flash import flash_attention
from alen.neural.masks import Scope
from alen.neural.paging.keys import PagedKeys
from alen.neural.positions import rotate


class Attention(nn.Module):
    """Queries, keys and values come from one matrix ``qkv``, rows in that order.

    Complex queries and keys (variant ``complex``) are E/2 real parts followed by E/2 imaginary ones. The score
    Re(q · conj(k)) is then the real product of the two, and turning pair i by an angle is the product with a phase, so
    that the kernels of real attention serve it; values and output are real."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        options = config.attention
        self.heads, self.kv_heads = options.num_heads, config.num_kv_heads
        self.width, self.value_width = config.query_dim, config.head_dim
        self.dropout = options.dropout
        self.flash = options.use_flash_attn
        self.sizes = [self.heads * self.width, self.kv_heads * self.width, self.kv_heads * self.value_width]
        self.qkv = nn.Linear(config.d_model, sum(self.sizes), bias=config.qkv_bias)
        self.o = nn.Linear(self.heads * self.value_width, config.d_model, bias=options.bias)
        self.query_norm = nn.RMSNorm(self.width, eps=config.norm.eps) if options.qk_norm else None
        self.key_norm = nn.RMSNorm(self.width, eps=config.norm.eps) if options.qk_norm else None

    def forward(
        self,
        x_BTD: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        scope: Scope,
        cache: KVCache | PagedKeys | None,
        layer: int,
    ) -> Tensor:
        batch, time, _ = x_BTD.shape
        q_BTHE, k_BTKE, v_BTKV = self._projected(x_BTD, rotation)
        if isinstance(cache, PagedKeys):
            return self.o(cache.attend(layer, q_BTHE[0], k_BTKE[0], v_BTKV[0]).reshape(1, time, -1))
        if self.flash and cache is None:
            out_BTHV = flash_attention(q_BTHE, k_BTKE, v_BTKV, scope, self.dropout if self.training else 0.0)
            if out_BTHV is not None:
                return self.o(out_BTHV.reshape(batch, time, -1))
        q_BHTE, k_BKSE, v_BKSV = (part.transpose(1, 2) for part in (q_BTHE, k_BTKE, v_BTKV))
        if cache is not None:
            k_BKSE, v_BKSV = cache.extend(layer, k_BKSE, v_BKSV)
        if scope.flex is not None:
            out_BHTV = flex.attention(q_BHTE, k_BKSE, v_BKSV, scope.flex)
            return self.o(out_BHTV.transpose(1, 2).reshape(batch, time, -1))
        if time == 1 and scope.mask is None and self.heads != self.kv_heads:
            # One query: the heads of a group become rows, so that each key is read once and none is repeated.
            grouped = q_BHTE.reshape(batch, self.kv_heads, self.heads // self.kv_heads, self.width)
            out = F.scaled_dot_product_attention(grouped, k_BKSE, v_BKSV)
            return self.o(out.reshape(batch, 1, -1))
        dropout = self.dropout if self.training else 0.0
        if trained_attention.applies(q_BHTE, k_BKSE, scope, dropout):
            out_BHTV = trained_attention.attention(q_BHTE, k_BKSE, v_BKSV, causal=scope.causal)
        else:
            out_BHTV = F.scaled_dot_product_attention(
                q_BHTE,
                k_BKSE,
                v_BKSV,
                attn_mask=scope.mask,
                dropout_p=dropout,
                is_causal=scope.causal,
                enable_gqa=self.heads != self.kv_heads,
            )
        return self.o(out_BHTV.transpose(1, 2).reshape(batch, time, -1))

    def _projected(self, x_BTD: Tensor, rotation: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        batch, time, _ = x_BTD.shape
        qkv = self.qkv(x_BTD)
        turning = self.heads + self.kv_heads
        v_BTKV = qkv[..., -self.sizes[2] :].view(batch, time, self.kv_heads, self.value_width)
        both = qkv[..., : -self.sizes[2]].view(batch, time, turning, self.width)
        if self.query_norm is not None and self.key_norm is not None:
            queries, keys = both.split([self.heads, self.kv_heads], dim=2)
            both = torch.cat([self.query_norm(queries), self.key_norm(keys)], dim=2)
        if rotation is not None:
            both = rotate(both, *rotation)
        return both[:, :, : self.heads], both[:, :, self.heads :], v_BTKV
