"""How large a model of a configuration is, counted without building it and without torch."""

from __future__ import annotations

from typing import Any

from alen.neural.config import TransformerConfig

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def parameters_by_part(config: TransformerConfig) -> dict[str, int]:
    """Numbers of weights: ``embedding`` (words, positions, token types), ``attention``, ``ffn`` and ``norm`` over all
    layers, and ``head`` (0 when it is the embedding again). Rotation tables are computed, not counted."""
    D, F, E = config.d_model, config.hidden_dim, config.head_dim
    inner, shared = config.attention.num_heads * E, config.num_kv_heads * E
    embedding = config.vocab_size + config.token_types
    if config.positional.encoding == "learned":
        embedding += config.max_seq_len
    attention = _linear(D, inner + 2 * shared, config.attention.bias) + _linear(inner, D, config.attention.bias)
    wide = 2 * F if config.ffn.variant == "swiglu" else F
    ffn = _linear(D, wide, config.ffn.bias) + _linear(F, D, config.ffn.bias)
    norm = D if config.norm.type == "rmsnorm" else 2 * D
    return {
        "embedding": embedding * D,
        "attention": config.num_layers * attention,
        "ffn": config.num_layers * ffn,
        "norm": (2 * config.num_layers + 1) * norm,
        "head": config.vocab_size * D if config.language_head and not config.tie_embeddings else 0,
    }


def describe(config: TransformerConfig) -> dict[str, Any]:
    """``parameters`` by part with their ``total``, and bytes by number format: ``weights`` in all, and
    ``cache_per_token`` that keys and values of one more token take (0 where every token sees every other)."""
    parts = parameters_by_part(config)
    total = sum(parts.values())
    causal = config.attention.mask_type == "causal"
    cached = 2 * config.num_layers * config.num_kv_heads * config.head_dim if causal else 0
    return {
        "parameters": {"total": total, **parts},
        "bytes": {dtype: {"weights": total * size, "cache_per_token": cached * size} for dtype, size in BYTES.items()},
        "layers": config.num_layers,
        "width": config.d_model,
        "vocabulary": config.vocab_size,
        "longest": config.max_seq_len,
    }


def _linear(inputs: int, outputs: int, bias: bool) -> int:
    return inputs * outputs + (outputs if bias else 0)
