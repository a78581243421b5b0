"""Llama and what descends from it: SmolLM2, Qwen 2, Qwen 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alen.neural.config import Llama3Scaling, TransformerConfig
from alen.neural.weights.family import Entry, Family, refuse

_ARCHITECTURE = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}


def _config(settings: Mapping[str, Any]) -> TransformerConfig:
    kind = settings["model_type"]
    if settings.get("hidden_act", "silu") != "silu":
        raise refuse(f"activation {settings['hidden_act']}", "silu")
    if settings.get("use_sliding_window"):
        raise refuse("layers that slide from some depth on", "full attention")
    rope = settings.get("rope_parameters") or settings.get("rope_scaling") or {}
    return TransformerConfig.parse(
        {
            "vocab_size": settings["vocab_size"],
            "d_model": settings["hidden_size"],
            "num_layers": settings["num_hidden_layers"],
            "max_seq_len": settings["max_position_embeddings"],
            "tie_embeddings": settings.get("tie_word_embeddings", False),
            "init_std": settings.get("initializer_range", 0.02),
            "attention": {
                "num_heads": settings["num_attention_heads"],
                "num_kv_heads": settings.get("num_key_value_heads") or settings["num_attention_heads"],
                "head_dim": settings.get("head_dim"),
                "bias": False if kind == "qwen2" else settings.get("attention_bias", False),
                "qkv_bias": True if kind == "qwen2" else None,
                "qk_norm": kind == "qwen3",
                "dropout": settings.get("attention_dropout", 0.0),
            },
            "positional": {
                "rope_base": settings.get("rope_theta") or rope.get("rope_theta", 10000.0),
                "rope_scaling": _scaling(rope),
            },
            "ffn": {"hidden_dim": settings["intermediate_size"], "bias": settings.get("mlp_bias", False)},
            "norm": {"eps": settings["rms_norm_eps"]},
        }
    )


def _scaling(rope: Mapping[str, Any]) -> float | dict[str, Any] | None:
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return None
    if kind == "linear":
        return float(rope["factor"])
    if kind == "llama3":
        return {
            "factor": rope["factor"],
            "low_freq_factor": rope["low_freq_factor"],
            "high_freq_factor": rope["high_freq_factor"],
            "original_max_seq_len": rope["original_max_position_embeddings"],
        }
    raise refuse(f"positions scaled by {kind}", "default, linear or llama3 scaling")


def _settings(config: TransformerConfig) -> dict[str, Any]:
    kind = _kind(config)
    scaling = config.positional.rope_scaling
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.positional.rope_base}
    if isinstance(scaling, Llama3Scaling):
        rope |= {
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_max_seq_len,
        }
    elif scaling is not None:
        rope |= {"rope_type": "linear", "factor": scaling}
    return {
        "architectures": [_ARCHITECTURE[kind]],
        "model_type": kind,
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.num_layers,
        "max_position_embeddings": config.max_seq_len,
        "tie_word_embeddings": config.tie_embeddings,
        "initializer_range": config.init_std,
        "num_attention_heads": config.attention.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "attention_bias": config.attention.bias,
        "attention_dropout": config.attention.dropout,
        "rope_theta": config.positional.rope_base,
        "rope_parameters": rope,
        # Readers older than rope_parameters look here.
        "rope_scaling": None if scaling is None else {key: rope[key] for key in rope if key != "rope_theta"},
        "intermediate_size": config.hidden_dim,
        "mlp_bias": config.ffn.bias,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm.eps,
    }


def _kind(config: TransformerConfig) -> str:
    """Which of the descendants says what this configuration says. Raises BadInput when none does."""
    attention = config.attention
    fits = (
        attention.variant != "complex"
        and attention.mask_type == "causal"
        and config.positional.encoding == "rope"
        and config.ffn.variant == "swiglu"
        and config.norm.type == "rmsnorm"
        and config.norm.placement == "pre"
        and not config.parallel_layers
        and not config.token_types
        and not config.dropout
        and not config.ffn.dropout
        and config.language_head
    )
    if not fits:
        raise refuse("options that no family of Hugging Face's has", "those of Llama, Qwen, GPT-2 or BERT")
    if attention.qk_norm:
        if config.ffn.bias:
            raise refuse("qk_norm with biases in the feed-forward", "one of the two")
        return "qwen3"
    if config.qkv_bias and not attention.bias:
        return "qwen2"
    return "llama"


def _entries(config: TransformerConfig) -> list[Entry]:
    queries = config.attention.num_heads * config.head_dim
    shared = config.num_kv_heads * config.head_dim
    entries = [
        Entry("embedding.weight", ("model.embed_tokens.weight",)),
        Entry("norm.weight", ("model.norm.weight",)),
    ]
    if not config.tie_embeddings:
        entries.append(Entry("head.weight", ("lm_head.weight",)))

    def linear(ours: str, theirs: tuple[str, ...], bias: bool, rows: tuple[int, ...] = ()) -> list[Entry]:
        parts = ("weight", "bias") if bias else ("weight",)
        return [Entry(f"{ours}.{part}", tuple(f"{name}.{part}" for name in theirs), rows) for part in parts]

    for layer in range(config.num_layers):
        theirs, ours = f"model.layers.{layer}.", f"blocks.{layer}."
        projections = tuple(f"{theirs}self_attn.{name}_proj" for name in "qkv")
        gates = (f"{theirs}mlp.gate_proj", f"{theirs}mlp.up_proj")
        entries += [
            Entry(f"{ours}attention_norm.weight", (f"{theirs}input_layernorm.weight",)),
            Entry(f"{ours}ffn_norm.weight", (f"{theirs}post_attention_layernorm.weight",)),
            *linear(f"{ours}attention.qkv", projections, config.qkv_bias, (queries, shared, shared)),
            *linear(f"{ours}attention.o", (f"{theirs}self_attn.o_proj",), config.attention.bias),
            *linear(f"{ours}ffn.gate_up", gates, config.ffn.bias, (config.hidden_dim, config.hidden_dim)),
            *linear(f"{ours}ffn.down", (f"{theirs}mlp.down_proj",), config.ffn.bias),
        ]
        if config.attention.qk_norm:
            entries += [
                Entry(f"{ours}attention.query_norm.weight", (f"{theirs}self_attn.q_norm.weight",)),
                Entry(f"{ours}attention.key_norm.weight", (f"{theirs}self_attn.k_norm.weight",)),
            ]
    return entries


LLAMA = Family(tuple(_ARCHITECTURE), _config, _settings, _entries, computed=("rotary_emb.inv_freq",))
