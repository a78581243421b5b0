"""What a family of models calls its settings and tensors, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of ours, which is theirs, or several of theirs below one another with ``rows`` rows each.
    ``transposed`` are those that they keep as inputs x outputs (GPT-2's Conv1D)."""

    ours: str
    theirs: tuple[str, ...]
    rows: tuple[int, ...] = ()
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """``config`` reads a config.json, ``settings`` writes one; ``entries`` are all tensors of a configuration, and
    ``prefix`` is what may stand before their names."""

    model_types: tuple[str, ...]
    config: Callable[[Mapping[str, Any]], TransformerConfig]
    settings: Callable[[TransformerConfig], dict[str, Any]]
    entries: Callable[[TransformerConfig], list[Entry]]
    prefix: str = ""
    computed: tuple[str, ...] = ()
    """Endings of tensors that older files carry although they follow from the configuration."""


def refuse(found: str, allowed: str) -> BadInput:
    return BadInput("model", found, allowed, "Choose another model.")


def is_classic(config: TransformerConfig) -> bool:
    """Whether the layers are those of 2018, which GPT-2 and BERT share and whose settings can say nothing else."""
    return (
        config.attention.variant == "mha"
        and config.attention.bias
        and config.qkv_bias
        and not config.attention.qk_norm
        and config.head_dim * config.attention.num_heads == config.d_model
        and config.positional.encoding == "learned"
        and config.ffn.variant == "mlp"
        and config.ffn.bias
        and not config.ffn.dropout
        and config.norm.type == "layernorm"
    )


def read(entries: list[Entry], take: Callable[[str], Tensor], origin: str) -> dict[str, Tensor]:
    """Our tensors from theirs. Raises CorruptWeights when parts that belong together do not fit."""
    found: dict[str, Tensor] = {}
    for entry in entries:
        parts = [take(name) for name in entry.theirs]
        if entry.transposed and parts[0].ndim == 2:
            parts = [part.T for part in parts]
        if len({part.shape[1:] for part in parts}) > 1:
            raise CorruptWeights(
                f"{origin}: {entry.theirs[0]} and its neighbours differ in width.", "Copy the folder again."
            )
        found[entry.ours] = parts[0] if len(parts) == 1 else torch.cat(parts)
    return found


def write(entries: list[Entry], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their tensors from ours, contiguous."""
    found: dict[str, Tensor] = {}
    for entry in entries:
        tensor = tensors[entry.ours]
        parts = tensor.split(list(entry.rows)) if len(entry.theirs) > 1 else (tensor,)
        for name, part in zip(entry.theirs, parts, strict=True):
            found[name] = (part.T if entry.transposed and part.ndim == 2 else part).contiguous()
    return found
