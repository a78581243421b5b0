"""Folders in the Hugging Face layout, read and written: config.json and safetensors of Llama, SmolLM2, Qwen, GPT-2 and
BERT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.weights import family_bert, family_gpt2, tensor_files
from alen.neural.weights.family import Entry, Family, read, write
from alen.neural.weights.family_bert import BERT
from alen.neural.weights.family_gpt2 import GPT2
from alen.neural.weights.family_llama import LLAMA
from alen.neural.weights.loaded import LoadedModel, build
from alen.neural.weights.tensor_files import AGAIN, TensorFolder

DECODERS = (LLAMA, GPT2)
_KNOWN = ", ".join(kind for family in DECODERS for kind in family.model_types)


def load_decoder_folder(folder: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A causal language model. Raises BadInput for an architecture or option that is not supported, CorruptWeights."""
    settings = _settings(folder)
    kind = settings.get("model_type")
    for family in DECODERS:
        if kind in family.model_types:
            config = family.config(settings)
            tensors = read_all(folder, family, family.entries(config), unread=("lm_head.weight",))
            return LoadedModel(build(config, tensors, dtype, str(folder)), config, settings)
    raise BadInput("model", f"architecture {kind}", _KNOWN, "Choose a decoder of a supported architecture.")


def read_config(folder: Path) -> TransformerConfig:
    """Without its weights. Raises BadInput for an architecture or option that is not supported, CorruptWeights."""
    settings = _settings(folder)
    for family in (*DECODERS, BERT):
        if settings.get("model_type") in family.model_types:
            return family.config(settings)
    raise BadInput("model", f"architecture {settings.get('model_type')}", f"{_KNOWN}, bert", "Choose another model.")


def load_encoder(folder: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A BERT encoder without what stands on it. Raises BadInput for another architecture, CorruptWeights."""
    settings = encoder_settings(folder)
    config = BERT.config(settings)
    heads = ("pooler.", "cls.", "classifier.")
    tensors = read_all(folder, BERT, BERT.entries(config), unread=heads)
    return LoadedModel(build(config, tensors, dtype, str(folder)), config, settings)


def encoder_settings(folder: Path) -> dict[str, Any]:
    """The config.json of a BERT. Raises BadInput for another architecture, CorruptWeights."""
    settings = _settings(folder)
    if settings.get("model_type") != "bert":
        raise BadInput("encoder", f"architecture {settings.get('model_type')}", "bert", "Choose a BERT style encoder.")
    return settings


def save_folder(model: Transformer, folder: Path, *, shard_bytes: int = tensor_files.SHARD_BYTES) -> None:
    """Write config.json and weights so that ``transformers`` loads the same model. Raises BadInput when no family of
    theirs has the options of this one."""
    config = model.config
    family = family_of(config)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    tensors = write(family.entries(config), state)
    if family is GPT2:
        tensors = {name if name == "lm_head.weight" else family.prefix + name: part for name, part in tensors.items()}
    tensor_files.write(folder, tensors, shard_bytes)
    write_settings(folder, family.settings(config), model)


def write_settings(folder: Path, settings: dict[str, Any], model: nn.Module) -> None:
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    text = json.dumps({**settings, "dtype": dtype, "torch_dtype": dtype}, indent=1, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", "utf-8")


def family_of(config: TransformerConfig) -> Family:
    """Raises BadInput when none fits."""
    if family_gpt2.fits(config):
        return GPT2
    if family_bert.fits(config):
        return BERT
    LLAMA.settings(config)
    return LLAMA


def read_all(folder: Path, family: Family, entries: list[Entry], unread: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Our tensors. Raises CorruptWeights for one that is missing, BadInput for one that nobody reads unless its name
    begins with one of ``unread``: a model that leaves tensors out computes something else than its makers meant."""
    with TensorFolder(folder) as file:
        names = {name.removeprefix(family.prefix): name for name in file.names()}
        taken: set[str] = set()

        def take(name: str) -> Tensor:
            taken.add(name)
            return file.read(names.get(name, name))

        tensors = read(entries, take, str(folder))
        left = [
            name
            for name in sorted(names.keys() - taken)
            if not name.endswith(family.computed or ("\0",)) and not name.startswith(unread or ("\0",))
        ]
    if left:
        raise BadInput("model", f"tensor {left[0]}", "the tensors of its architecture", "Choose another model.")
    return tensors


class _Settings(dict[str, Any]):
    def __init__(self, values: dict[str, Any], file: Path) -> None:
        super().__init__(values)
        self._file = file

    def __missing__(self, name: str) -> Any:
        raise CorruptWeights(f"{self._file}: missing {name}.", AGAIN)


def _settings(folder: Path) -> _Settings:
    file = folder / "config.json"
    try:
        return _Settings(json.loads(file.read_text("utf-8")), file)
    except (OSError, ValueError, TypeError) as error:
        raise CorruptWeights(f"{file}: {error}.", AGAIN) from None
