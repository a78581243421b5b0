"""Read a GGUF file of Llama, Qwen 2 or Qwen 3. Llama's q and k rows are stored interleaved, for the other form of
rotary positions."""

from __future__ import annotations

import math
import struct
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Any

import torch
from gguf.constants import GGMLQuantizationType
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import Llama3Scaling, TransformerConfig
from alen.neural.positions import frequencies
from alen.neural.weights.dequantise import dequantise
from alen.neural.weights.gguf_header import GGUFHeader, TensorPlace, read_header
from alen.neural.weights.loaded import LoadedModel, build

ARCHITECTURES = ("llama", "qwen2", "qwen3")
_AGAIN = "Get the file again or use another one."
_PLAINER = "Choose a model without it."


def load_gguf(path: Path, *, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """Weights dequantised to ``dtype``. Raises BadInput for an architecture that is not supported, CorruptWeights."""
    data, header, config = open_gguf(path)
    tensors = TensorReader(path, data, header, dtype)
    named = named_tensors(tensors, config, interleaved=header.metadata["general.architecture"] == "llama")
    tensors.refuse_unread()
    return LoadedModel(build(config, named, dtype, str(path)), config, header.metadata)


def read_config(path: Path) -> TransformerConfig:
    """Without its weights. Same errors."""
    return open_gguf(path)[2]


def read_metadata(path: Path) -> dict[str, Any]:
    """What the file tells beside its tensors, its tokenizer among it. Same errors."""
    return open_gguf(path)[1].metadata


def open_gguf(path: Path) -> tuple[mmap, GGUFHeader, TransformerConfig]:
    try:
        with path.open("rb") as file:
            # A private copy, of which only the pages read are ever in memory; torch wants memory it could write to.
            data = mmap(file.fileno(), 0, access=ACCESS_COPY)
        header = read_header(data)
        return data, header, _config(header, data)
    except KeyError as error:
        raise CorruptWeights(f"{path}: missing {error.args[0]}.", _AGAIN) from None
    except (ValueError, TypeError, OSError, OverflowError, struct.error) as error:
        raise CorruptWeights(f"{path}: {error}.", _AGAIN) from None


class TensorReader:
    """Tensors by name, each once, and what is done to their rows."""

    def __init__(self, path: Path, data: mmap, header: GGUFHeader, dtype: torch.dtype) -> None:
        self._path, self._data, self._dtype = path, data, dtype
        self._left = dict(header.tensors)
        self._left.pop("rope_freqs.weight", None)

    def take(self, name: str, *shape: int) -> Any:
        """The tensor in floating point. Raises CorruptWeights unless it is there and of that shape."""
        raw, kind = self.raw(name, shape)
        try:
            return dequantise(raw, kind, shape, self._dtype)
        except NotImplementedError:
            raise BadInput("model", f"weights as {kind.name}", "F32, F16, BF16, Q8_0, Q4_0 …", _PLAINER) from None

    def join(self, parts: list[Any]) -> Any:
        """Rows of all, in order."""
        return torch.cat(parts)

    def halves(self, rows: Any, heads: int) -> Any:
        return half_split(rows, heads)

    def kind(self, name: str) -> GGMLQuantizationType | None:
        found = self._left.get(name)
        return None if found is None else found.kind

    def raw(self, name: str, shape: tuple[int, ...]) -> tuple[Tensor, GGMLQuantizationType]:
        """The bytes as they are in the file. Raises CorruptWeights."""
        if name not in self._left:
            raise CorruptWeights(f"{self._path}: missing {name}.", _AGAIN)
        found = self._left.pop(name)
        if found.shape != shape:
            raise CorruptWeights(f"{self._path}: {name} is {found.shape}, should be {shape}.", _AGAIN)
        return torch.frombuffer(self._data, dtype=torch.uint8, count=found.size, offset=found.start), found.kind

    def refuse_unread(self) -> None:
        """A model that leaves tensors unread computes something else than its makers meant."""
        if self._left:
            raise BadInput("model", f"tensor {sorted(self._left)[0]}", "the tensors of its architecture", _PLAINER)


def _config(header: GGUFHeader, data: mmap) -> TransformerConfig:
    metadata = header.metadata
    kind = metadata["general.architecture"]
    if kind not in ARCHITECTURES:
        raise BadInput("model", f"GGUF of {kind}", ", ".join(ARCHITECTURES), "Choose a model of one of these.")

    def of(key: str) -> Any:
        return metadata[f"{kind}.{key}"]

    def optional(key: str, otherwise: Any) -> Any:
        return metadata.get(f"{kind}.{key}", otherwise)

    if optional("expert_count", 0):
        raise BadInput("model", "a mixture of experts", "one feed-forward a layer", _PLAINER)
    base = optional("rope.freq_base", 10000.0)
    config = TransformerConfig.parse(
        {
            "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
            "d_model": of("embedding_length"),
            "num_layers": of("block_count"),
            "max_seq_len": of("context_length"),
            "tie_embeddings": "output.weight" not in header.tensors,
            "attention": {
                "num_heads": of("attention.head_count"),
                "num_kv_heads": optional("attention.head_count_kv", of("attention.head_count")),
                "head_dim": optional("attention.key_length", None),
                "qkv_bias": True if kind == "qwen2" else None,
                "qk_norm": kind == "qwen3",
            },
            "positional": {"rope_base": base},
            "ffn": {"hidden_dim": of("feed_forward_length")},
            "norm": {"eps": of("attention.layer_norm_rms_epsilon")},
        }
    )
    if optional("rope.dimension_count", config.head_dim) != config.head_dim or config.head_dim % 2:
        raise BadInput("model", "rotary positions on a part of each head", "on whole, even heads", _PLAINER)
    scaling: Any = None
    if "rope_freqs.weight" in header.tensors:
        scaling = _llama3(header.tensors["rope_freqs.weight"], data, config)
    elif optional("rope.scaling.type", "none") == "linear":
        scaling = float(of("rope.scaling.factor"))
    elif optional("rope.scaling.type", "none") != "none":
        found = f"rotary positions scaled by {of('rope.scaling.type')}"
        raise BadInput("model", found, "none, linear or llama3 scaling", _PLAINER)
    positional = config.positional.model_copy(update={"rope_scaling": scaling})
    return config.model_copy(update={"positional": positional})


def _llama3(place: TensorPlace, data: mmap, config: TransformerConfig) -> Llama3Scaling:
    """A file of Llama 3 holds what its scaling divides each frequency by, and not the factors that this comes from."""
    divisors = torch.frombuffer(data, dtype=torch.float32, count=math.prod(place.shape), offset=place.start)
    scaling = Llama3Scaling(factor=float(divisors.max()))
    width = config.query_dim
    ours = frequencies(width, config.positional)
    scaled = frequencies(width, config.positional.model_copy(update={"rope_scaling": scaling}))
    if divisors.shape != ours.shape or not torch.allclose(ours / scaled, divisors.double(), rtol=1e-3):
        raise BadInput("model", "frequencies of its own making", "those of Llama 3", _PLAINER)
    return scaling


def named_tensors(tensors: TensorReader, config: TransformerConfig, *, interleaved: bool) -> dict[str, Any]:
    """What the file holds, by our names."""
    take, D, V, F = tensors.take, config.d_model, config.vocab_size, config.hidden_dim
    heads, kv_heads = config.attention.num_heads, config.num_kv_heads
    q_rows, kv_rows = heads * config.head_dim, kv_heads * config.head_dim
    named = {"embedding.weight": take("token_embd.weight", V, D), "norm.weight": take("output_norm.weight", D)}
    if not config.tie_embeddings:
        named["head.weight"] = take("output.weight", V, D)
    for layer in range(config.num_layers):
        theirs, ours = f"blk.{layer}.", f"blocks.{layer}."
        query, key = take(theirs + "attn_q.weight", q_rows, D), take(theirs + "attn_k.weight", kv_rows, D)
        if interleaved:
            query, key = tensors.halves(query, heads), tensors.halves(key, kv_heads)
        value = take(theirs + "attn_v.weight", kv_rows, D)
        named[ours + "attention.qkv.weight"] = tensors.join([query, key, value])
        if config.qkv_bias:
            rows = {"q": q_rows, "k": kv_rows, "v": kv_rows}
            biases = [take(f"{theirs}attn_{name}.bias", count) for name, count in rows.items()]
            named[ours + "attention.qkv.bias"] = torch.cat(biases)
        if config.attention.qk_norm:
            named[ours + "attention.query_norm.weight"] = take(theirs + "attn_q_norm.weight", config.head_dim)
            named[ours + "attention.key_norm.weight"] = take(theirs + "attn_k_norm.weight", config.head_dim)
        named[ours + "attention.o.weight"] = take(theirs + "attn_output.weight", D, q_rows)
        named[ours + "attention_norm.weight"] = take(theirs + "attn_norm.weight", D)
        named[ours + "ffn_norm.weight"] = take(theirs + "ffn_norm.weight", D)
        named[ours + "ffn.gate_up.weight"] = tensors.join(
            [take(theirs + "ffn_gate.weight", F, D), take(theirs + "ffn_up.weight", F, D)]
        )
        named[ours + "ffn.down.weight"] = take(theirs + "ffn_down.weight", D, F)
    return named


def half_split(weight: Tensor, heads: int) -> Tensor:
    """Rows of q or k from interleaved pairs (x0 y0 x1 y1 …) to halves (x0 x1 … y0 y1 …), head by head."""
    rows, columns = weight.shape
    return weight.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)
