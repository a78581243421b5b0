"""All packed matrices of a decoder: made of a model, kept in a file, mapped from it again without being read first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from alen.neural.native.keeping import replaced
from alen.neural.native.packed import Format, Packed, interleaved, pack
from alen.neural.transformer import Transformer

MATRICES = ("attention.qkv", "attention.o", "ffn.gate_up", "ffn.down")
LAYOUT = 1
"""Of what ``save`` writes; another number is another layout."""


@dataclass(frozen=True)
class PackedWeights:
    """``matrices`` by the names of ``Transformer``'s layers (gates and ups interleaved), ``head`` and, where words do
    not share the head's matrix, ``embedding``; ``norms`` by name."""

    matrices: dict[str, Packed]
    norms: dict[str, Tensor]

    @classmethod
    def of(cls, model: Transformer, format: Format = Format.BYTES, *, head: Format = Format.BYTES) -> PackedWeights:
        """The weights of a model, rounded to ``format``."""
        matrices: dict[str, Packed] = {}
        norms = {"norm": cast(Tensor, model.norm.weight)}
        for layer, block in enumerate(model.blocks):
            for name in MATRICES:
                linear = cast(nn.Linear, block.get_submodule(name))
                weight_NM, bias_N = linear.weight.detach(), cast("Tensor | None", linear.bias)
                if name == "ffn.gate_up":
                    weight_NM = interleaved(*weight_NM.chunk(2))
                    bias_N = None if bias_N is None else interleaved(*bias_N.detach().chunk(2))
                matrices[f"blocks.{layer}.{name}"] = pack(weight_NM, format, bias_N)
            for name in ("attention_norm", "ffn_norm"):
                norms[f"blocks.{layer}.{name}"] = cast(Tensor, block.get_submodule(name).weight)
        matrices["head"] = pack(model.output_weight.detach(), head)
        if model.head is not None:
            matrices["embedding"] = pack(model.embedding.weight.detach(), head)
        return cls(matrices, {name: norm.detach().float() for name, norm in norms.items()})

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        shapes = {name: [m.format.name, m.outputs, m.inputs] for name, m in self.matrices.items()}
        tensors = {f"matrix.{name}": matrix.data for name, matrix in self.matrices.items()}
        tensors |= {f"bias.{name}": m.bias for name, m in self.matrices.items() if m.bias is not None}
        tensors |= {f"norm.{name}": norm.contiguous() for name, norm in self.norms.items()}
        with replaced(path) as partial:
            save_file(tensors, partial, metadata={"shapes": json.dumps(shapes), "layout": str(LAYOUT)})

    @classmethod
    def load(cls, path: Path) -> PackedWeights | None:
        """None where there is no such file, or a damaged one: it can be made again."""
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
                if metadata["layout"] != str(LAYOUT):
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            matrices = {
                name: Packed(Format[format], outputs, inputs, tensors[f"matrix.{name}"], tensors.get(f"bias.{name}"))
                for name, (format, outputs, inputs) in json.loads(metadata["shapes"]).items()
            }
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None
        norms = {name.removeprefix("norm."): each for name, each in tensors.items() if name.startswith("norm.")}
        return cls(matrices, norms)
