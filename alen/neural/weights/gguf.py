"""Read a llama-family GGUF file: q and k rows are stored interleaved, for the other form of rotary positions."""

from __future__ import annotations

import struct
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.weights.dequantise import dequantise
from alen.neural.weights.gguf_header import GGUFHeader, read_header
from alen.neural.weights.loaded import LoadedModel, build

_AGAIN = "Get the file again or use another one."
_PLAINER = "Choose a model without it."


def load_gguf(path: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """Weights dequantised to ``dtype``. Raises BadInput for an architecture that is not supported, CorruptWeights."""
    try:
        with path.open("rb") as file:
            # A private copy, of which only the pages read are ever in memory; torch wants memory it could write to.
            data = mmap(file.fileno(), 0, access=ACCESS_COPY)
        header = read_header(data)
        config = _config(header)
    except KeyError as error:
        raise CorruptWeights(f"{path}: missing {error.args[0]}.", _AGAIN) from None
    except (ValueError, TypeError, OSError, OverflowError, struct.error) as error:
        raise CorruptWeights(f"{path}: {error}.", _AGAIN) from None
    tensors = _Tensors(path, data, header, dtype)
    named = _named(tensors, config)
    tensors.refuse_unread()
    return LoadedModel(build(config, named, dtype, str(path)), config, header.metadata)


class _Tensors:
    def __init__(self, path: Path, data: mmap, header: GGUFHeader, dtype: torch.dtype) -> None:
        self._path, self._data, self._dtype = path, data, dtype
        self._left = dict(header.tensors)

    def take(self, name: str, *shape: int) -> Tensor:
        """The tensor in floating point. Raises CorruptWeights unless it is there and of that shape."""
        if name not in self._left:
            raise CorruptWeights(f"{self._path}: missing {name}.", _AGAIN)
        found = self._left.pop(name)
        if found.shape != shape:
            raise CorruptWeights(f"{self._path}: {name} is {found.shape}, should be {shape}.", _AGAIN)
        raw = torch.frombuffer(self._data, dtype=torch.uint8, count=found.size, offset=found.start)
        try:
            return dequantise(raw, found.kind, shape, self._dtype)
        except NotImplementedError:
            raise BadInput("model", f"weights as {found.kind.name}", "F32, F16, BF16, Q8_0, Q4_0 …", _PLAINER) from None

    def refuse_unread(self) -> None:
        """A model that leaves tensors unread computes something else than its makers meant."""
        if self._left:
            raise BadInput("model", f"tensor {sorted(self._left)[0]}", "the tensors of a plain llama model", _PLAINER)


def _config(header: GGUFHeader) -> TransformerConfig:
    metadata = header.metadata
    architecture = metadata["general.architecture"]
    if architecture != "llama":
        raise BadInput("model", f"GGUF of {architecture}", "llama", "Choose a model of a supported architecture.")

    def of(key: str) -> Any:
        return metadata[f"llama.{key}"]

    config = TransformerConfig.parse(
        {
            "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
            "d_model": of("embedding_length"),
            "num_layers": of("block_count"),
            "max_seq_len": of("context_length"),
            "tie_embeddings": "output.weight" not in header.tensors,
            "attention": {
                "num_heads": of("attention.head_count"),
                "num_kv_heads": metadata.get("llama.attention.head_count_kv", of("attention.head_count")),
                "head_dim": metadata.get("llama.attention.key_length"),
            },
            "positional": {"rope_base": metadata.get("llama.rope.freq_base", 10000.0)},
            "ffn": {"hidden_dim": of("feed_forward_length")},
            "norm": {"eps": of("attention.layer_norm_rms_epsilon")},
        }
    )
    if metadata.get("llama.rope.scaling.type", "none") != "none" or "rope_freqs.weight" in header.tensors:
        raise BadInput("model", "scaled rotary positions", "plain rotary positions", _PLAINER)
    if metadata.get("llama.rope.dimension_count", config.head_dim) != config.head_dim or config.head_dim % 2:
        raise BadInput("model", "rotary positions on a part of each head", "on whole, even heads", _PLAINER)
    if metadata.get("llama.expert_count", 0):
        raise BadInput("model", "a mixture of experts", "one feed-forward a layer", _PLAINER)
    return config


def _named(tensors: _Tensors, config: TransformerConfig) -> dict[str, Tensor]:
    take, D, V, F = tensors.take, config.d_model, config.vocab_size, config.hidden_dim
    heads, kv_heads = config.attention.num_heads, config.num_kv_heads
    q_rows, kv_rows = heads * config.head_dim, kv_heads * config.head_dim
    named = {"embedding.weight": take("token_embd.weight", V, D), "norm.weight": take("output_norm.weight", D)}
    if not config.tie_embeddings:
        named["head.weight"] = take("output.weight", V, D)
    for layer in range(config.num_layers):
        theirs, ours = f"blk.{layer}.", f"blocks.{layer}."
        query = half_split(take(theirs + "attn_q.weight", q_rows, D), heads)
        key = half_split(take(theirs + "attn_k.weight", kv_rows, D), kv_heads)
        value = take(theirs + "attn_v.weight", kv_rows, D)
        named[ours + "attention.qkv.weight"] = torch.cat([query, key, value])
        named[ours + "attention.o.weight"] = take(theirs + "attn_output.weight", D, q_rows)
        named[ours + "attention_norm.weight"] = take(theirs + "attn_norm.weight", D)
        named[ours + "ffn_norm.weight"] = take(theirs + "ffn_norm.weight", D)
        named[ours + "ffn.gate_up.weight"] = torch.cat(
            [take(theirs + "ffn_gate.weight", F, D), take(theirs + "ffn_up.weight", F, D)]
        )
        named[ours + "ffn.down.weight"] = take(theirs + "ffn_down.weight", D, F)
    return named


def half_split(weight: Tensor, heads: int) -> Tensor:
    """Rows of q or k from interleaved pairs (x0 y0 x1 y1 …) to halves (x0 x1 … y0 y1 …), head by head."""
    rows, columns = weight.shape
    return weight.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)
