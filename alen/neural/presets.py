"""Shapes by name. A preset is a plain configuration: weights come from a file or from training."""

from __future__ import annotations

import difflib
from typing import Any

from alen.errors import BadInput
from alen.neural.config import TransformerConfig

_PRESETS: dict[str, dict[str, Any]] = {
    # Allal et al., 2025, "SmolLM2": the shape of the 135 M model.
    "smollm2-135m": {
        "vocab_size": 49152,
        "d_model": 576,
        "num_layers": 30,
        "max_seq_len": 8192,
        "attention": {"variant": "gqa", "num_heads": 9, "num_kv_heads": 3},
        "positional": {"encoding": "rope", "rope_base": 100000.0},
        "ffn": {"variant": "swiglu", "hidden_dim": 1536},
    },
    # Wang et al., 2020, "MiniLM": six layers, as trained for sentences.
    "minilm-l6": {
        "vocab_size": 30522,
        "d_model": 384,
        "num_layers": 6,
        "max_seq_len": 512,
        "token_types": 2,
        "language_head": False,
        "attention": {"variant": "mha", "num_heads": 12, "bias": True, "mask_type": "bidirectional"},
        "positional": {"encoding": "learned"},
        "ffn": {"variant": "mlp", "hidden_dim": 1536, "activation": "gelu", "bias": True},
        "norm": {"type": "layernorm", "eps": 1e-12, "placement": "post"},
    },
}

NAMES = tuple(_PRESETS)


def preset(name: str, **changes: Any) -> TransformerConfig:
    """The configuration of that name, with top-level fields replaced by ``changes``. Raises BadInput."""
    if name not in _PRESETS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Choose one of them or write a configuration."
        raise BadInput("preset", repr(name), ", ".join(NAMES), hint)
    return TransformerConfig.parse({**_PRESETS[name], **changes})
