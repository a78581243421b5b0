"""What is measured: a model in memory, a preset by its name, or a model in a file or folder."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from alen.errors import BadInput
from alen.language_model import LargeLanguageModel
from alen.neural import presets
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.weights import load_decoder, load_encoder, read_config

Model = Transformer | LargeLanguageModel | str | Path


@dataclass(frozen=True, slots=True)
class Subject:
    """``make`` gives a model on ``device`` that may be changed."""

    name: str
    config: TransformerConfig
    device: torch.device
    make: Callable[[], Transformer]


def subject_of(model: Model) -> Subject:
    """Nothing is copied or read but a configuration. Raises BadInput, CorruptWeights."""
    if isinstance(model, LargeLanguageModel):
        inner = model.model
        return Subject(model.name, inner.config, inner.embedding.weight.device, partial(_copy, inner, model.lock))
    if isinstance(model, Transformer):
        return Subject("Transformer", model.config, model.embedding.weight.device, lambda: copy.deepcopy(model))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if isinstance(model, str) and model in presets.names():
        config = presets.preset(model)
        return Subject(model, config, device, lambda: Transformer(config).to(device))
    if isinstance(model, str | Path) and Path(model).exists():
        path = Path(model)
        config = read_config(path)
        return Subject(path.absolute().name, config, device, lambda: _read(path, config).to(device))
    raise _unknown(model)


def _copy(model: Transformer, lock: Any) -> Transformer:
    with lock:
        return copy.deepcopy(model)


def _read(path: Path, config: TransformerConfig) -> Transformer:
    load = load_encoder if config.attention.mask_type == "bidirectional" else load_decoder
    return load(path).model


def _unknown(model: object) -> BadInput:
    known = presets.names()
    near = difflib.get_close_matches(str(model), known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Choose one of them, or name a folder."
    return BadInput("model", repr(model), f"{', '.join(known)}, or a file or folder of a model", hint)
