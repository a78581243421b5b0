"""Weights from files: one loader for decoders (GGUF file or Hugging Face style folder), one for encoders."""

from __future__ import annotations

from pathlib import Path

import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.weights.folder import is_alen_folder, load
from alen.neural.weights.folder import read_config as read_folder_config
from alen.neural.weights.gguf import load_gguf
from alen.neural.weights.gguf import read_config as read_gguf_config
from alen.neural.weights.hugging_face import load_decoder_folder, load_encoder
from alen.neural.weights.hugging_face import read_config as read_hugging_face_config
from alen.neural.weights.loaded import LoadedModel

__all__ = ["LoadedModel", "load_decoder", "load_encoder", "read_config"]


def read_config(path: Path) -> TransformerConfig:
    """The configuration of what ``load_decoder`` or ``load_encoder`` reads, without its weights. Same errors."""
    if path.is_file():
        return read_gguf_config(path)
    if is_alen_folder(path):
        return read_folder_config(path)
    return read_hugging_face_config(path)


def load_decoder(path: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A causal language model from a GGUF file or a folder with config.json and safetensors.

    Raises BadInput when the path is neither, CorruptWeights when a file is truncated or lacks a tensor."""
    if path.is_dir() and is_alen_folder(path):
        return load(path, dtype=dtype)
    if path.is_dir():
        return load_decoder_folder(path, dtype=dtype)
    if path.is_file():
        return load_gguf(path, dtype=dtype)
    raise BadInput("model", str(path), "a GGUF file or a folder with config.json", "Check the path.")
