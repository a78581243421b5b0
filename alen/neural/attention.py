"""Self-attention with shared key and value heads (Ainslie et al., 2023, "GQA").

Axes: B batch, T time, S source, H heads, K kv heads, D model, E head width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.positions import rotate


class Attention(nn.Module):
    """Queries, keys and values come from one matrix ``qkv``, rows in that order."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.width = config.attention.num_heads, config.num_kv_heads, config.head_dim
        self.causal = config.attention.mask_type == "causal"
        inner = self.heads * self.width
        bias = config.attention.bias
        self.qkv = nn.Linear(config.d_model, inner + 2 * self.kv_heads * self.width, bias=bias)
        self.o = nn.Linear(inner, config.d_model, bias=bias)

    def forward(
        self,
        x_BTD: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        mask_B1TS: Tensor | None,
        cache: KVCache | None,
        layer: int,
    ) -> Tensor:
        batch, time, _ = x_BTD.shape
        qkv = self.qkv(x_BTD).view(batch, time, self.heads + 2 * self.kv_heads, self.width)
        turning = self.heads + self.kv_heads
        if rotation is None:
            q_BTHE, k_BTKE, v_BTKE = qkv.split([self.heads, self.kv_heads, self.kv_heads], dim=2)
        else:
            turned = rotate(qkv[:, :, :turning], *rotation)
            q_BTHE, k_BTKE, v_BTKE = turned[:, :, : self.heads], turned[:, :, self.heads :], qkv[:, :, turning:]
        q_BHTE, k_BKSE, v_BKSE = (part.transpose(1, 2) for part in (q_BTHE, k_BTKE, v_BTKE))
        if cache is not None:
            k_BKSE, v_BKSE = cache.extend(layer, k_BKSE, v_BKSE)
        # torch aligns is_causal to the top left, so it is right only when nothing was cached before.
        plain = self.causal and mask_B1TS is None and time > 1
        if time == 1 and mask_B1TS is None and self.heads != self.kv_heads:
            # One query: the heads of a group become rows, so that each key is read once and none is repeated.
            grouped = q_BHTE.reshape(batch, self.kv_heads, self.heads // self.kv_heads, self.width)
            out = F.scaled_dot_product_attention(grouped, k_BKSE, v_BKSE)
            return self.o(out.reshape(batch, 1, self.heads * self.width))
        out_BHTE = F.scaled_dot_product_attention(
            q_BHTE, k_BKSE, v_BKSE, attn_mask=mask_B1TS, is_causal=plain, enable_gqa=self.heads != self.kv_heads
        )
        return self.o(out_BHTE.transpose(1, 2).reshape(batch, time, self.heads * self.width))
