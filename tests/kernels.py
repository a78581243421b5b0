"""The compiled kernels, made once for all tests, and small models that they know."""

from __future__ import annotations

from ctypes import CDLL
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from alen.neural.config import TransformerConfig
from alen.neural.native import Format, NativeDecoder, compiled, find_compiler, make
from alen.neural.transformer import Transformer

FOLDER = Path(__file__).resolve().parents[1] / "build" / "kernels"


@cache
def loaded_library() -> CDLL:
    if find_compiler() is None:
        pytest.skip("needs a compiler of C++")
    make(FOLDER)
    found = compiled(FOLDER)
    assert found is not None
    return found


def model(seed: int = 0, **changed: Any) -> Transformer:
    """Random weights, neither flat nor so peaked that every seed writes the same."""
    shape: dict[str, Any] = {
        "vocab_size": 100,
        "d_model": 64,
        "num_layers": 3,
        "max_seq_len": 600,
        "attention": {"num_heads": 2, "num_kv_heads": 1, "head_dim": 32},
        "ffn": {"hidden_dim": 160},
    }
    torch.manual_seed(seed)
    made = Transformer(TransformerConfig.parse(shape | changed)).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.mul_(3.0)
    return made


def decoder(
    of: Transformer | None = None, format: Format = Format.BYTES, *, tokens: int = 4000, threads: int = 2
) -> NativeDecoder:
    return NativeDecoder.of(loaded_library(), of or model(), format, head=format, threads=threads, cache_tokens=tokens)
