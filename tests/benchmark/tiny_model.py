"""A model of random weights whose tokens are bytes, with room for long conversations."""

from __future__ import annotations

import torch

from alen.language_model import LargeLanguageModel
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.weights import LoadedModel
from alen.text.tokenizer import Tokenizer
from tests.language_model.test_model import byte_metadata


def tiny_model() -> LargeLanguageModel:
    config = TransformerConfig.parse(
        {
            "vocab_size": 259,
            "d_model": 32,
            "num_layers": 2,
            "max_seq_len": 2048,
            "attention": {"num_heads": 4, "num_kv_heads": 2},
        }
    )
    torch.manual_seed(0)
    model = Transformer(config).eval().requires_grad_(False)
    model.embedding.weight.mul_(0.3)
    for block in model.blocks:
        for parameter in block.parameters():
            parameter.mul_(1.5)
    loaded = LoadedModel(model, config, byte_metadata())
    return LargeLanguageModel.of(loaded, Tokenizer.from_gguf(loaded.metadata), name="tiny", fingerprint="f")
