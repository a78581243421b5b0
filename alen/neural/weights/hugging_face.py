"""Read Hugging Face style folders: config.json and safetensors, llama-family decoders and BERT encoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.weights.loaded import LoadedModel, build

_AGAIN = "Copy the folder again."
_COMPUTED = "rotary_emb.inv_freq"  # older files carry this table, which follows from the configuration


def load_encoder(folder: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A BERT encoder without its pooler. Raises BadInput for another architecture, CorruptWeights."""
    settings = _settings(folder)
    if settings.get("model_type") != "bert":
        raise BadInput("encoder", f"architecture {settings.get('model_type')}", "bert", "Choose a BERT style encoder.")
    if settings.get("position_embedding_type", "absolute") != "absolute":
        raise BadInput("encoder", "relative positions", "absolute positions", "Choose a BERT style encoder.")
    config = TransformerConfig.parse(
        {
            "vocab_size": settings["vocab_size"],
            "d_model": settings["hidden_size"],
            "num_layers": settings["num_hidden_layers"],
            "max_seq_len": settings["max_position_embeddings"],
            "token_types": settings["type_vocab_size"],
            "language_head": False,
            "attention": {
                "variant": "mha",
                "num_heads": settings["num_attention_heads"],
                "bias": True,
                "mask_type": "bidirectional",
            },
            "positional": {"encoding": "learned"},
            "ffn": {
                "variant": "mlp",
                "hidden_dim": settings["intermediate_size"],
                "activation": settings["hidden_act"],
                "bias": True,
            },
            "norm": {"type": "layernorm", "eps": settings["layer_norm_eps"], "placement": "post"},
        }
    )
    raw = {name.removeprefix("bert."): tensor for name, tensor in _tensors(folder).items()}
    take = _Taker(raw, folder)
    tensors = {
        "embedding.weight": take("embeddings.word_embeddings.weight"),
        "position_embedding.weight": take("embeddings.position_embeddings.weight"),
        "type_embedding.weight": take("embeddings.token_type_embeddings.weight"),
    }
    for part in ("weight", "bias"):
        tensors[f"norm.{part}"] = take(f"embeddings.LayerNorm.{part}")
        for layer in range(config.num_layers):
            theirs, ours = f"encoder.layer.{layer}.", f"blocks.{layer}."
            tensors[f"{ours}attention.qkv.{part}"] = take.joined(
                [f"{theirs}attention.self.{name}.{part}" for name in ("query", "key", "value")]
            )
            tensors[f"{ours}attention.o.{part}"] = take(f"{theirs}attention.output.dense.{part}")
            tensors[f"{ours}attention_norm.{part}"] = take(f"{theirs}attention.output.LayerNorm.{part}")
            tensors[f"{ours}ffn.gate_up.{part}"] = take(f"{theirs}intermediate.dense.{part}")
            tensors[f"{ours}ffn.down.{part}"] = take(f"{theirs}output.dense.{part}")
            tensors[f"{ours}ffn_norm.{part}"] = take(f"{theirs}output.LayerNorm.{part}")
    return LoadedModel(build(config, tensors, dtype, str(folder)), config, settings)


def load_decoder_folder(folder: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A llama-family decoder. Raises BadInput for another architecture or scaled positions, CorruptWeights."""
    settings = _settings(folder)
    if settings.get("model_type") != "llama":
        raise BadInput("model", f"architecture {settings.get('model_type')}", "llama", "Choose a llama style decoder.")
    rope = settings.get("rope_parameters") or settings.get("rope_scaling") or {}
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise BadInput("model", "scaled rotary positions", "plain rotary positions", "Choose a model without scaling.")
    if settings.get("hidden_act", "silu") != "silu":
        raise BadInput("model", f"activation {settings['hidden_act']}", "silu", "Choose a model with that activation.")
    config = TransformerConfig.parse(
        {
            "vocab_size": settings["vocab_size"],
            "d_model": settings["hidden_size"],
            "num_layers": settings["num_hidden_layers"],
            "max_seq_len": settings["max_position_embeddings"],
            "tie_embeddings": settings.get("tie_word_embeddings", False),
            "attention": {
                "num_heads": settings["num_attention_heads"],
                "num_kv_heads": settings.get("num_key_value_heads") or settings["num_attention_heads"],
                "head_dim": settings.get("head_dim"),
                "bias": settings.get("attention_bias", False),
            },
            "positional": {"rope_base": settings.get("rope_theta") or rope.get("rope_theta", 10000.0)},
            "ffn": {"hidden_dim": settings["intermediate_size"]},
            "norm": {"eps": settings["rms_norm_eps"]},
        }
    )
    take = _Taker(_tensors(folder), folder)
    tensors = {"embedding.weight": take("model.embed_tokens.weight"), "norm.weight": take("model.norm.weight")}
    if not config.tie_embeddings:
        tensors["head.weight"] = take("lm_head.weight")
    parts = ("weight", "bias") if config.attention.bias else ("weight",)
    for layer in range(config.num_layers):
        theirs, ours = f"model.layers.{layer}.", f"blocks.{layer}."
        for part in parts:
            tensors[f"{ours}attention.qkv.{part}"] = take.joined(
                [f"{theirs}self_attn.{name}_proj.{part}" for name in "qkv"]
            )
            tensors[f"{ours}attention.o.{part}"] = take(f"{theirs}self_attn.o_proj.{part}")
        tensors[f"{ours}attention_norm.weight"] = take(f"{theirs}input_layernorm.weight")
        tensors[f"{ours}ffn_norm.weight"] = take(f"{theirs}post_attention_layernorm.weight")
        tensors[f"{ours}ffn.gate_up.weight"] = take.joined(
            [f"{theirs}mlp.gate_proj.weight", f"{theirs}mlp.up_proj.weight"]
        )
        tensors[f"{ours}ffn.down.weight"] = take(f"{theirs}mlp.down_proj.weight")
    take.taken.add("lm_head.weight")
    take.refuse_unread()
    return LoadedModel(build(config, tensors, dtype, str(folder)), config, settings)


class _Taker:
    def __init__(self, tensors: dict[str, Tensor], folder: Path) -> None:
        self._tensors, self._folder = tensors, folder
        self.taken: set[str] = set()

    def __call__(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise CorruptWeights(f"{self._folder}: missing {name}.", _AGAIN)
        self.taken.add(name)
        return self._tensors[name]

    def joined(self, names: list[str]) -> Tensor:
        """The rows of several tensors below one another."""
        parts = [self(name) for name in names]
        if len({part.shape[1:] for part in parts}) > 1:
            raise CorruptWeights(f"{self._folder}: {names[0]} and its neighbours differ in width.", _AGAIN)
        return torch.cat(parts)

    def refuse_unread(self) -> None:
        """A model that leaves tensors unread computes something else than its makers meant."""
        left = sorted(name for name in self._tensors.keys() - self.taken if not name.endswith(_COMPUTED))
        if left:
            raise BadInput("model", f"tensor {left[0]}", "the tensors of a plain llama model", "Choose another model.")


class _Settings(dict[str, Any]):
    def __init__(self, values: dict[str, Any], file: Path) -> None:
        super().__init__(values)
        self._file = file

    def __missing__(self, name: str) -> Any:
        raise CorruptWeights(f"{self._file}: missing {name}.", _AGAIN)


def _settings(folder: Path) -> _Settings:
    file = folder / "config.json"
    try:
        return _Settings(json.loads(file.read_text("utf-8")), file)
    except (OSError, ValueError, TypeError) as error:
        raise CorruptWeights(f"{file}: {error}.", _AGAIN) from None


def _tensors(folder: Path) -> dict[str, Tensor]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CorruptWeights(f"{folder}: no .safetensors file.", _AGAIN)
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            tensors |= load_file(file)
        except (SafetensorError, OSError, ValueError) as error:
            raise CorruptWeights(f"{file}: {error}.", _AGAIN) from None
    return tensors
