"""BERT, with or without what stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alen.neural.config import TransformerConfig
from alen.neural.weights.family import Entry, Family, is_classic, refuse

_ACTIVATIONS = ("gelu", "relu", "silu")


def _config(settings: Mapping[str, Any]) -> TransformerConfig:
    if settings.get("position_embedding_type", "absolute") != "absolute":
        raise refuse("relative positions", "absolute positions")
    if settings.get("hidden_act", "gelu") not in _ACTIVATIONS:
        raise refuse(f"activation {settings['hidden_act']}", ", ".join(_ACTIVATIONS))
    return TransformerConfig.parse(
        {
            "vocab_size": settings["vocab_size"],
            "d_model": settings["hidden_size"],
            "num_layers": settings["num_hidden_layers"],
            "max_seq_len": settings["max_position_embeddings"],
            "token_types": settings["type_vocab_size"],
            "language_head": False,
            "dropout": settings.get("hidden_dropout_prob", 0.1),
            "init_std": settings.get("initializer_range", 0.02),
            "residual_scaled_init": False,
            "attention": {
                "variant": "mha",
                "num_heads": settings["num_attention_heads"],
                "bias": True,
                "dropout": settings.get("attention_probs_dropout_prob", 0.1),
                "mask_type": "bidirectional",
            },
            "positional": {"encoding": "learned"},
            "ffn": {
                "variant": "mlp",
                "hidden_dim": settings["intermediate_size"],
                "activation": settings.get("hidden_act", "gelu"),
                "bias": True,
            },
            "norm": {"type": "layernorm", "eps": settings["layer_norm_eps"], "placement": "post"},
        }
    )


def fits(config: TransformerConfig) -> bool:
    """Whether BERT's configuration can say what this one says."""
    return (
        is_classic(config)
        and config.attention.mask_type == "bidirectional"
        and config.ffn.activation in _ACTIVATIONS
        and config.norm.placement == "post"
        and config.token_types > 0
    )


def _settings(config: TransformerConfig) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.attention.num_heads,
        "intermediate_size": config.hidden_dim,
        "hidden_act": config.ffn.activation,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.attention.dropout,
        "max_position_embeddings": config.max_seq_len,
        "type_vocab_size": config.token_types,
        "initializer_range": config.init_std,
        "layer_norm_eps": config.norm.eps,
    }


def _entries(config: TransformerConfig) -> list[Entry]:
    entries = [
        Entry("embedding.weight", ("embeddings.word_embeddings.weight",)),
        Entry("position_embedding.weight", ("embeddings.position_embeddings.weight",)),
        Entry("type_embedding.weight", ("embeddings.token_type_embeddings.weight",)),
    ]
    rows = (config.d_model,) * 3
    for part in ("weight", "bias"):
        entries.append(Entry(f"norm.{part}", (f"embeddings.LayerNorm.{part}",)))
        for layer in range(config.num_layers):
            theirs, ours = f"encoder.layer.{layer}.", f"blocks.{layer}."
            projections = tuple(f"{theirs}attention.self.{name}.{part}" for name in ("query", "key", "value"))
            entries += [
                Entry(f"{ours}attention.qkv.{part}", projections, rows),
                Entry(f"{ours}attention.o.{part}", (f"{theirs}attention.output.dense.{part}",)),
                Entry(f"{ours}attention_norm.{part}", (f"{theirs}attention.output.LayerNorm.{part}",)),
                Entry(f"{ours}ffn.gate_up.{part}", (f"{theirs}intermediate.dense.{part}",)),
                Entry(f"{ours}ffn.down.{part}", (f"{theirs}output.dense.{part}",)),
                Entry(f"{ours}ffn_norm.{part}", (f"{theirs}output.LayerNorm.{part}",)),
            ]
    return entries


def head_entries(head: str) -> list[Entry]:
    """Of ``pooler``, ``masked`` (language model) and ``classification``, by the names of ``BertFor…``."""
    parts = ("weight", "bias")
    if head == "pooler":
        return [Entry(f"pooler.dense.{part}", (f"pooler.dense.{part}",)) for part in parts]
    if head == "classification":
        return [Entry(f"head.classifier.{part}", (f"classifier.{part}",)) for part in parts]
    theirs = "cls.predictions."
    return [
        *(Entry(f"head.dense.{part}", (f"{theirs}transform.dense.{part}",)) for part in parts),
        *(Entry(f"head.norm.{part}", (f"{theirs}transform.LayerNorm.{part}",)) for part in parts),
        Entry("head.bias", (f"{theirs}bias",)),
    ]


BERT = Family(
    ("bert",), _config, _settings, _entries, prefix="bert.", computed=("embeddings.position_ids", "decoder.bias")
)
