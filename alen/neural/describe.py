"""How large a model of a configuration is and what it costs, counted without building it and without torch."""

from __future__ import annotations

from typing import Any

from alen.neural.config import TransformerConfig

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}


def parameters_by_part(config: TransformerConfig) -> dict[str, int]:
    """Numbers of weights: ``embedding`` (words, positions, token types), ``attention``, ``ffn`` and ``norm`` over all
    layers, and ``head`` (0 when it is the embedding again). Tables of positions are computed, not counted."""
    D = config.d_model
    embedding = config.vocab_size + config.token_types
    if config.positional.encoding == "learned":
        embedding += config.max_seq_len
    queries, values = _heads(config)
    attention = _linear(D, queries + values[0], config.qkv_bias) + _linear(values[1], D, config.attention.bias)
    ffn = _linear(D, _wide(config), config.ffn.bias) + _linear(config.hidden_dim, D, config.ffn.bias)
    norm = D if config.norm.type == "rmsnorm" else 2 * D
    norms = (1 if config.parallel_layers else 2) + (2 if config.norm.placement == "sandwich" else 0)
    over_heads = 2 * config.query_dim if config.attention.qk_norm else 0
    return {
        "embedding": embedding * D,
        "attention": config.num_layers * attention,
        "ffn": config.num_layers * ffn,
        "norm": config.num_layers * (norms * norm + over_heads) + norm,
        "head": config.vocab_size * D if config.language_head and not config.tie_embeddings else 0,
    }


def flops_per_token(config: TransformerConfig, context: int) -> int:
    """Floating point operations of one token's way forward with ``context`` tokens before it: two a weight that it is
    multiplied by, the head included, and scores and sums over what each layer sees. Training takes three times that."""
    queries, values = _heads(config)
    matrices = config.d_model * (queries + values[0] + _wide(config)) + values[1] * config.d_model
    matrices = config.num_layers * (matrices + config.hidden_dim * config.d_model)
    if config.language_head:
        matrices += config.vocab_size * config.d_model
    seen = sum(min(context, config.window(layer) or context) for layer in range(config.num_layers))
    return 2 * matrices + 2 * seen * config.attention.num_heads * (config.query_dim + config.head_dim)


def cached_numbers_per_token(config: TransformerConfig) -> int:
    """Numbers that keys and values of one more token take; 0 where every token sees every other. Layers that slide
    stop taking more once their window is full, and are counted here all the same."""
    if config.attention.mask_type == "bidirectional":
        return 0
    return config.num_layers * config.num_kv_heads * (config.query_dim + config.head_dim)


def describe(config: TransformerConfig) -> dict[str, Any]:
    """``parameters`` by part with their ``total``; bytes by number format, ``weights`` in all and
    ``cache_per_token``; ``flops_per_token`` at the beginning of a text and at the longest."""
    parts = parameters_by_part(config)
    total, cached = sum(parts.values()), cached_numbers_per_token(config)
    return {
        "parameters": {"total": total, **parts},
        "bytes": {dtype: {"weights": total * size, "cache_per_token": cached * size} for dtype, size in BYTES.items()},
        "flops_per_token": {
            "first": flops_per_token(config, 1),
            "longest": flops_per_token(config, config.max_seq_len),
        },
        "layers": config.num_layers,
        "width": config.d_model,
        "vocabulary": config.vocab_size,
        "longest": config.max_seq_len,
    }


def _heads(config: TransformerConfig) -> tuple[int, tuple[int, int]]:
    """Rows of queries and keys together; rows of values; columns of the output."""
    heads, shared = config.attention.num_heads, config.num_kv_heads
    return (heads + shared) * config.query_dim, (shared * config.head_dim, heads * config.head_dim)


def _wide(config: TransformerConfig) -> int:
    return config.hidden_dim * (1 if config.ffn.variant == "mlp" else 2)


def _linear(inputs: int, outputs: int, bias: bool) -> int:
    return inputs * outputs + (outputs if bias else 0)
