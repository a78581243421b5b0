"""A model with its weights, and the step that puts named tensors into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from alen.errors import CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.unfilled import unfilled


@dataclass(frozen=True)
class LoadedModel:
    """``metadata`` is what the file says beside the tensors: tokenizer, chat template, names."""

    model: Transformer
    config: TransformerConfig
    metadata: dict[str, Any] = field(default_factory=dict)


def build(config: TransformerConfig, tensors: Mapping[str, Tensor], dtype: torch.dtype, origin: str) -> Transformer:
    """A model in evaluation mode holding ``tensors`` (by our names) as ``dtype``.

    Raises CorruptWeights when a tensor is missing, unknown or of another shape."""
    model = unfilled(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    missing = sorted(expected.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - expected.keys())
    wrong = [
        f"{name} is {tuple(tensors[name].shape)}, should be {shape}"
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    problems = [f"missing {name}" for name in missing] + [f"unknown {name}" for name in unknown] + wrong
    if problems:
        raise CorruptWeights(f"{origin}: {'; '.join(problems[:3])}.", "Get the file again or use another one.")
    state = {name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}
    model.load_state_dict(state, assign=True)
    # Tables are computed, not stored, so the meta device left them empty.
    model.fill_tables()
    return model.eval().requires_grad_(False)
