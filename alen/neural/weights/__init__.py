"""Weights from files: one loader for decoders (GGUF file or Hugging Face style folder), one for encoders."""

from __future__ import annotations

from pathlib import Path

import torch

from alen.errors import BadInput
from alen.neural.weights.gguf import load_gguf
from alen.neural.weights.hugging_face import load_decoder_folder, load_encoder
from alen.neural.weights.loaded import LoadedModel

__all__ = ["LoadedModel", "load_decoder", "load_encoder"]


def load_decoder(path: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A causal language model from a GGUF file or a folder with config.json and safetensors.

    Raises BadInput when the path is neither, CorruptWeights when a file is truncated or lacks a tensor."""
    if path.is_dir():
        return load_decoder_folder(path, dtype=dtype)
    if path.is_file():
        return load_gguf(path, dtype=dtype)
    raise BadInput("model", str(path), "a GGUF file or a folder with config.json", "Check the path.")
