"""Keys and values of many texts in pages on one device, and attention over them.

Axes: R rows (a token of a text each), N texts, P pages of a text, L layers, H query heads, K key and value heads,
E width of queries and keys, V width of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from alen.neural.config import TransformerConfig


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of a step stand. Rows of a text lie side by side: text n has ``counts[n]`` of them, which are the
    last of its ``ends[n]`` tokens. The fused kernel reads the same from tensors on the device, ``longest`` and ``most``
    being no less than any count and any end: a step that is replayed has other numbers in the same tensors."""

    slots_R: Tensor
    counts: Sequence[int]
    ends: Sequence[int]
    starts_N1: Tensor
    ends_N: Tensor
    table_NP: Tensor
    longest: int
    most: int


class PagedKeys:
    """``count`` pages of ``size`` positions, and one more where rows that nobody reads may write."""

    def __init__(
        self, config: TransformerConfig, count: int, size: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (config.num_layers, count + 1, size, config.num_kv_heads)
        self.keys = torch.zeros(*shape, config.query_dim, dtype=dtype, device=device)
        self.values = torch.zeros(*shape, config.head_dim, dtype=dtype, device=device)
        self.waste = count
        self.places: Places | None = None
        self._windows = [config.window(layer) for layer in range(config.num_layers)]
        self.is_fused = device.type == "cuda" and dtype in (torch.float16, torch.bfloat16) and _fits(config, device)

    def copy_page(self, to: int, page: int) -> None:
        """In all layers."""
        self.keys[:, to] = self.keys[:, page]
        self.values[:, to] = self.values[:, page]

    def attend(self, layer: int, q_RHE: Tensor, k_RKE: Tensor, v_RKV: Tensor) -> Tensor:
        """What each row gathers (R, H, V) from the tokens of its text up to itself. Writes the rows' own keys and
        values first."""
        places, window = self.places, self._windows[layer]
        assert places is not None
        self.keys[layer].flatten(0, 1).index_copy_(0, places.slots_R, k_RKE)
        self.values[layer].flatten(0, 1).index_copy_(0, places.slots_R, v_RKV)
        if not self.is_fused:
            return self._gathered(layer, q_RHE, places, window)
        # Not at the top: what is not on a GPU needs none of it.
        from torch.nn.attention.varlen import varlen_attn

        out = varlen_attn(
            q_RHE,
            self.keys[layer],
            self.values[layer],
            places.starts_N1,
            None,
            places.longest,
            places.most,
            window_size=(-1 if window is None else window - 1, 0),
            enable_gqa=q_RHE.shape[1] != k_RKE.shape[1],
            seqused_k=places.ends_N,
            block_table=places.table_NP,
        )
        assert isinstance(out, Tensor)
        return out

    def _gathered(self, layer: int, q_RHE: Tensor, places: Places, window: int | None) -> Tensor:
        found, at = [], 0
        for text, (count, end) in enumerate(zip(places.counts, places.ends, strict=True)):
            pages = places.table_NP[text, : -(-end // self.keys.shape[2])].long()
            k_KSE = self.keys[layer, pages].flatten(0, 1)[:end].transpose(0, 1)
            v_KSV = self.values[layer, pages].flatten(0, 1)[:end].transpose(0, 1)
            source = torch.arange(end, device=q_RHE.device)
            query = source[end - count :, None]
            seen = source <= query
            if window is not None:
                seen &= source > query - window
            q_HTE = q_RHE[at : at + count].transpose(0, 1)
            out_HTV = F.scaled_dot_product_attention(
                q_HTE[None], k_KSE[None], v_KSV[None], attn_mask=seen, enable_gqa=len(q_HTE) != len(k_KSE)
            )[0]
            found.append(out_HTV.transpose(0, 1))
            at += count
        return torch.cat(found)


def _fits(config: TransformerConfig, device: torch.device) -> bool:
    """Whether the fused kernel knows such heads on such a GPU."""
    width = config.head_dim
    if config.query_dim != width or width % 8 or width > 256:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)
