"""Linear layers packed for decoding: one token reads float16 weights (FBGEMM), many tokens read bfloat16 ones.

A single row is bound by the bytes of the matrix, and FBGEMM streams float16 nearly twice as fast as the bfloat16 kernel
does; from two rows on the matrix units win. States, norms, cache and logits stay in the model's own format: with a
float32 model and bfloat16 rows the logits of SmolLM2 135M differ from pure float32 by 0.02 (root mean square), with
all of it in bfloat16 by 0.12, at the same speed. Axes: B batch, T time, N output features, M input features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.transformer import Transformer


class PackedLinear(nn.Module):
    """Inference only. ``weight_NM`` is for many rows at a time, in ``rows_dtype`` (None keeps the layer's own)."""

    def __init__(self, linear: nn.Linear, rows_dtype: torch.dtype | None = None) -> None:
        super().__init__()
        weight_NM = linear.weight.detach()
        bias_N = None if linear.bias is None else linear.bias.detach()
        self.weight_NM = weight_NM if rows_dtype is None else weight_NM.to(rows_dtype)
        self.bias_N = None if bias_N is None else bias_N.to(self.weight_NM.dtype)
        bias = None if bias_N is None else bias_N.float()
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight_NM.float(), bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() == x.shape[-1]:
            return torch.ops.quantized.linear_dynamic_fp16(x.float(), self._packed).to(x.dtype)
        return F.linear(x.to(self.weight_NM.dtype), self.weight_NM, self.bias_N).to(x.dtype)


def available() -> bool:
    """Whether this build of torch has FBGEMM's float16 kernels."""
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_dynamic_fp16"
    )


def pack_for_decoding(model: Transformer, rows_dtype: torch.dtype | None = None) -> Transformer:
    """Replace the layers of the blocks and the output head, in place; products of many rows are computed in
    ``rows_dtype``. Does nothing where FBGEMM is missing."""
    if not available():
        return model
    for block in model.blocks:
        for part in (block.attention, block.ffn):
            for name in ("qkv", "o", "gate_up", "down"):
                layer = getattr(part, name, None)
                if isinstance(layer, nn.Linear):
                    setattr(part, name, PackedLinear(layer, rows_dtype))
    if model.head is None and model.config.language_head:
        tied = nn.Linear(1, 1, bias=False)
        tied.weight = model.embedding.weight
        model.head = PackedLinear(tied, rows_dtype)
    elif isinstance(model.head, nn.Linear):
        model.head = PackedLinear(model.head, rows_dtype)
    return model
