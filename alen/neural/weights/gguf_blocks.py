"""The matrices of a GGUF file in the layout of the kernels, without turning them into numbers in between.

Axes: N rows, X bytes of a row, G groups of 32 inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from torch import Tensor

from alen.neural.config import TransformerConfig
from alen.neural.native.packed import Format, Packed, interleaved, pack, pack_blocks
from alen.neural.weights.dequantise import dequantise
from alen.neural.weights.gguf import TensorReader, half_split, named_tensors, open_gguf

_KEPT = (GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q4_1)


@dataclass(frozen=True)
class PackedModel:
    """``matrices`` and ``norms`` as ``NativeDecoder`` takes them, ``metadata`` of the file."""

    config: TransformerConfig
    matrices: dict[str, Packed]
    norms: dict[str, Tensor]
    metadata: dict[str, Any]


def load_packed(path: Path) -> PackedModel:
    """Q8_0, Q4_0 and Q4_1 as they are; what else the file holds is rounded to BYTES. Raises what ``load_gguf`` does."""
    data, header, config = open_gguf(path)
    reader = _BlockReader(path, data, header, torch.float32)
    named = named_tensors(reader, config, interleaved=header.metadata["general.architecture"] == "llama")
    reader.refuse_unread()
    matrices: dict[str, Packed] = {}
    norms: dict[str, Tensor] = {}
    for name, found in named.items():
        layer = name.removesuffix(".weight")
        if layer.endswith("norm"):
            norms[layer] = found
        elif name.endswith(".weight"):
            bias_N = named.get(f"{layer}.bias")
            matrices[layer] = _packed(found, bias_N, paired=layer.endswith("gate_up"))
    if config.tie_embeddings:
        matrices["head"] = matrices.pop("embedding")
    return PackedModel(config, matrices, norms, header.metadata)


@dataclass(frozen=True)
class _Blocks:
    kind: GGMLQuantizationType
    rows_NX: Tensor
    inputs: int

    def numbers(self) -> Tensor:
        return dequantise(self.rows_NX.flatten(), self.kind, (len(self.rows_NX), self.inputs), torch.float32)


class _BlockReader(TensorReader):
    def take(self, name: str, *shape: int) -> Any:
        if len(shape) != 2 or self.kind(name) not in _KEPT:
            return super().take(name, *shape)
        raw, kind = self.raw(name, shape)
        return _Blocks(kind, raw.view(shape[0], -1), shape[1])

    def join(self, parts: list[Any]) -> Any:
        if len({part.kind if isinstance(part, _Blocks) else None for part in parts}) > 1:
            parts = [part.numbers() if isinstance(part, _Blocks) else part for part in parts]
        if not isinstance(parts[0], _Blocks):
            return torch.cat(parts)
        return _Blocks(parts[0].kind, torch.cat([part.rows_NX for part in parts]), parts[0].inputs)

    def halves(self, rows: Any, heads: int) -> Any:
        if not isinstance(rows, _Blocks):
            return half_split(rows, heads)
        return _Blocks(rows.kind, half_split(rows.rows_NX, heads), rows.inputs)


def _packed(found: Any, bias_N: Tensor | None, *, paired: bool) -> Packed:
    def ordered(rows: Tensor) -> Tensor:
        return interleaved(*rows.chunk(2)) if paired else rows

    if not isinstance(found, _Blocks):
        return pack(ordered(found), Format.BYTES, bias_N)
    group_bytes = GGML_QUANT_SIZES[found.kind][1]
    rows_NX = ordered(found.rows_NX)
    return pack_blocks(rows_NX.view(len(rows_NX), -1, group_bytes), found.kind, bias_N=bias_N)
