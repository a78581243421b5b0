"""GPT-2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alen.neural.config import TransformerConfig
from alen.neural.weights.family import Entry, Family, is_classic, refuse

_ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
    "silu": "silu",
}


def _config(settings: Mapping[str, Any]) -> TransformerConfig:
    activation = settings.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise refuse(f"activation {activation}", ", ".join(_ACTIVATIONS))
    for option in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        if settings.get(option):
            raise refuse(f"{option}", "plain GPT-2")
    return TransformerConfig.parse(
        {
            "vocab_size": settings["vocab_size"],
            "d_model": settings["n_embd"],
            "num_layers": settings["n_layer"],
            "max_seq_len": settings["n_positions"],
            "tie_embeddings": settings.get("tie_word_embeddings", True),
            "dropout": settings.get("resid_pdrop", 0.1),
            "init_std": settings.get("initializer_range", 0.02),
            "attention": {
                "variant": "mha",
                "num_heads": settings["n_head"],
                "bias": True,
                "dropout": settings.get("attn_pdrop", 0.1),
            },
            "positional": {"encoding": "learned"},
            "ffn": {
                "variant": "mlp",
                "hidden_dim": settings.get("n_inner") or 4 * settings["n_embd"],
                "activation": _ACTIVATIONS[activation],
                "bias": True,
            },
            "norm": {"type": "layernorm", "eps": settings["layer_norm_epsilon"]},
        }
    )


def fits(config: TransformerConfig) -> bool:
    """Whether GPT-2's configuration can say what this one says."""
    return (
        is_classic(config)
        and config.attention.mask_type == "causal"
        and config.norm.placement == "pre"
        and not config.parallel_layers
        and not config.token_types
        and config.language_head
    )


def _settings(config: TransformerConfig) -> dict[str, Any]:
    named = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu", "silu": "silu"}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_embd": config.d_model,
        "n_layer": config.num_layers,
        "n_head": config.attention.num_heads,
        "n_inner": config.hidden_dim,
        "n_positions": config.max_seq_len,
        "tie_word_embeddings": config.tie_embeddings,
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "attn_pdrop": config.attention.dropout,
        "activation_function": named[config.ffn.activation],
        "initializer_range": config.init_std,
        "layer_norm_epsilon": config.norm.eps,
    }


def _entries(config: TransformerConfig) -> list[Entry]:
    entries = [Entry("embedding.weight", ("wte.weight",)), Entry("position_embedding.weight", ("wpe.weight",))]
    if not config.tie_embeddings:
        entries.append(Entry("head.weight", ("lm_head.weight",)))
    for part in ("weight", "bias"):
        entries.append(Entry(f"norm.{part}", (f"ln_f.{part}",)))
        for layer in range(config.num_layers):
            theirs, ours = f"h.{layer}.", f"blocks.{layer}."
            entries += [
                Entry(f"{ours}attention_norm.{part}", (f"{theirs}ln_1.{part}",)),
                Entry(f"{ours}attention.qkv.{part}", (f"{theirs}attn.c_attn.{part}",), transposed=True),
                Entry(f"{ours}attention.o.{part}", (f"{theirs}attn.c_proj.{part}",), transposed=True),
                Entry(f"{ours}ffn_norm.{part}", (f"{theirs}ln_2.{part}",)),
                Entry(f"{ours}ffn.gate_up.{part}", (f"{theirs}mlp.c_fc.{part}",), transposed=True),
                Entry(f"{ours}ffn.down.{part}", (f"{theirs}mlp.c_proj.{part}",), transposed=True),
            ]
    return entries


GPT2 = Family(
    ("gpt2",), _config, _settings, _entries, prefix="transformer.", computed=("attn.bias", "attn.masked_bias")
)
