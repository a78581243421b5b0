"""Read a llama-family GGUF file: shapes are stored reversed, and q and k rows are interleaved for the other rotary form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.weights.loaded import LoadedModel, build

_SUPPORTED = ("llama",)


def load_gguf(path: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """Weights dequantised to ``dtype``. Raises BadInput for an architecture that is not supported, CorruptWeights."""
    try:
        reader = GGUFReader(path)
        metadata = {name: field.contents() for name, field in reader.fields.items()}
        architecture = metadata.get("general.architecture")
        if architecture not in _SUPPORTED:
            raise BadInput("model", f"GGUF of {architecture}", ", ".join(_SUPPORTED), "Choose a supported model.")
        config = _config(metadata, {tensor.name for tensor in reader.tensors})
        raw = {tensor.name: _floats(tensor) for tensor in reader.tensors}
    except (ValueError, KeyError, IndexError, OSError, OverflowError, UnicodeDecodeError) as error:
        raise CorruptWeights(f"{path}: {error}.", "Get the file again or use another one.") from None
    return LoadedModel(build(config, _renamed(raw, config, path), dtype, str(path)), config, metadata)


def _floats(tensor: Any) -> Tensor:
    values = dequantize(tensor.data, tensor.tensor_type)
    shape = [int(size) for size in reversed(tensor.shape)]
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32).reshape(shape))


def _config(metadata: dict[str, Any], names: set[str]) -> TransformerConfig:
    def of(key: str) -> Any:
        return metadata[f"llama.{key}"]

    if "rope_freqs.weight" in names or "llama.rope.scaling.type" in metadata:
        raise BadInput("model", "scaled rotary positions", "plain rotary positions", "Choose a model without scaling.")
    return TransformerConfig.parse(
        {
            "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
            "d_model": of("embedding_length"),
            "num_layers": of("block_count"),
            "max_seq_len": of("context_length"),
            "tie_embeddings": "output.weight" not in names,
            "attention": {
                "num_heads": of("attention.head_count"),
                "num_kv_heads": of("attention.head_count_kv"),
                "head_dim": metadata.get("llama.attention.key_length"),
            },
            "positional": {"rope_base": metadata.get("llama.rope.freq_base", 10000.0)},
            "ffn": {"hidden_dim": of("feed_forward_length")},
            "norm": {"eps": of("attention.layer_norm_rms_epsilon")},
        }
    )


def _renamed(raw: dict[str, Tensor], config: TransformerConfig, path: Path) -> dict[str, Tensor]:
    def take(name: str) -> Tensor:
        if name not in raw:
            raise CorruptWeights(f"{path}: missing {name}.", "Get the file again or use another one.")
        return raw[name]

    tensors = {"embedding.weight": take("token_embd.weight"), "norm.weight": take("output_norm.weight")}
    if not config.tie_embeddings:
        tensors["head.weight"] = take("output.weight")
    for layer in range(config.num_layers):
        theirs, ours = f"blk.{layer}.", f"blocks.{layer}."
        query = half_split(take(theirs + "attn_q.weight"), config.attention.num_heads)
        key = half_split(take(theirs + "attn_k.weight"), config.num_kv_heads)
        tensors[ours + "attention.qkv.weight"] = torch.cat([query, key, take(theirs + "attn_v.weight")])
        tensors[ours + "attention.o.weight"] = take(theirs + "attn_output.weight")
        tensors[ours + "attention_norm.weight"] = take(theirs + "attn_norm.weight")
        tensors[ours + "ffn_norm.weight"] = take(theirs + "ffn_norm.weight")
        tensors[ours + "ffn.gate_up.weight"] = torch.cat(
            [take(theirs + "ffn_gate.weight"), take(theirs + "ffn_up.weight")]
        )
        tensors[ours + "ffn.down.weight"] = take(theirs + "ffn_down.weight")
    return tensors


def half_split(weight: Tensor, heads: int) -> Tensor:
    """Rows of q or k from interleaved pairs (x0 y0 x1 y1 …) to halves (x0 x1 … y0 y1 …), head by head."""
    rows, columns = weight.shape
    return weight.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)
