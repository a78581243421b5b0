"""Kernels in C++ for models on a processor: encoders, and decoders with packed weights, pages of keys and values and
one step for many sequences. Names load on first use, so that embedding needs no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alen.neural.native.compiler import allow, compiled, find_compiler, is_slower, make
    from alen.neural.native.decoder import NativeDecoder, why_not
    from alen.neural.native.encoder import NativeEncoder
    from alen.neural.native.encoder_weights import EncoderWeights, why_no_encoder
    from alen.neural.native.packed import Format, Packed, pack, pack_blocks
    from alen.neural.native.packed_weights import PackedWeights
    from alen.neural.native.pages import PAGE

_WHERE = {
    "PAGE": "pages",
    "EncoderWeights": "encoder_weights",
    "Format": "packed",
    "NativeDecoder": "decoder",
    "NativeEncoder": "encoder",
    "Packed": "packed",
    "PackedWeights": "packed_weights",
    "allow": "compiler",
    "compiled": "compiler",
    "find_compiler": "compiler",
    "is_slower": "compiler",
    "make": "compiler",
    "pack": "packed",
    "pack_blocks": "packed",
    "why_no_encoder": "encoder_weights",
    "why_not": "decoder",
}

__all__ = [
    "PAGE",
    "EncoderWeights",
    "Format",
    "NativeDecoder",
    "NativeEncoder",
    "Packed",
    "PackedWeights",
    "allow",
    "compiled",
    "find_compiler",
    "is_slower",
    "make",
    "pack",
    "pack_blocks",
    "why_no_encoder",
    "why_not",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alen.neural.native' has no attribute {name!r}")
    return getattr(importlib.import_module(f"alen.neural.native.{_WHERE[name]}"), name)
