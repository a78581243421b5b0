"""The flash-attn package (Dao, 2023, "FlashAttention-2") where it is installed and can do what is asked.

Axes: B batch, T time, H heads, K kv heads, E head width.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from alen.neural.masks import Scope


@cache
def _function() -> Any:
    return import_module("flash_attn").flash_attn_func if find_spec("flash_attn") else None


def _serves(q_BTHE: Tensor) -> bool:
    return q_BTHE.is_cuda and q_BTHE.dtype in (torch.float16, torch.bfloat16)


def flash_attention(q_BTHE: Tensor, k_BTKE: Tensor, v_BTKE: Tensor, scope: Scope, dropout: float) -> Tensor | None:
    """(B, T, H, E), or None where the package is missing or the device, the number format or the mask is not for it."""
    plain = (scope.mask is None and scope.flex is None) or scope.window is not None
    same_width = q_BTHE.shape[-1] == v_BTKE.shape[-1]
    if not (plain and same_width and _serves(q_BTHE)):
        return None
    function = _function()
    if function is None:
        return None
    windowed = scope.window is not None
    sides = (scope.window - 1, 0) if scope.window is not None else (-1, -1)
    return function(q_BTHE, k_BTKE, v_BTKE, dropout_p=dropout, causal=scope.causal or windowed, window_size=sides)
