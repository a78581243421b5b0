"""The pure model: tensors in, tensors out. Names load on first use, so that configuration needs no torch."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "TransformerConfig": "alen.neural.config",
    "LargeModelConfig": "alen.neural.named",
    "ModelSize": "alen.neural.named",
    "L1Config": "alen.neural.named",
    "GPT2Config": "alen.neural.named",
    "BertConfig": "alen.neural.named",
    "Transformer": "alen.neural.transformer",
    "GPT2": "alen.neural.gpt2",
    "GPT2LMHead": "alen.neural.gpt2",
    "Bert": "alen.neural.bert",
    "BertForMaskedLM": "alen.neural.bert",
    "BertForSequenceClassification": "alen.neural.bert",
    "architecture": "alen.neural.registry",
    "KVCache": "alen.neural.cache",
    "LoadedModel": "alen.neural.weights",
    "load_decoder": "alen.neural.weights",
    "load_encoder": "alen.neural.weights",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alen.neural' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
