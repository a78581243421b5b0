"""Small models with random weights, of the kinds that are served."""

from __future__ import annotations

import pytest
import torch

from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer

DECODER = TransformerConfig.parse(
    {
        "vocab_size": 97,
        "d_model": 64,
        "num_layers": 3,
        "max_seq_len": 64,
        "attention": {"num_heads": 4, "num_kv_heads": 2},
        "ffn": {"hidden_dim": 96},
    }
)
ENCODER = TransformerConfig.parse(
    {
        "vocab_size": 97,
        "d_model": 32,
        "num_layers": 2,
        "max_seq_len": 40,
        "token_types": 2,
        "language_head": False,
        "attention": {"variant": "mha", "num_heads": 4, "bias": True, "mask_type": "bidirectional"},
        "positional": {"encoding": "learned"},
        "ffn": {"variant": "mlp", "hidden_dim": 64, "activation": "gelu", "bias": True},
        "norm": {"type": "layernorm", "eps": 1e-12, "placement": "post"},
    }
)


def random_model(config: TransformerConfig, seed: int = 0) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.add_(0.2 * torch.randn_like(parameter))
        else:
            parameter.copy_(0.2 * torch.randn_like(parameter))
    return model


@pytest.fixture
def decoder() -> Transformer:
    return random_model(DECODER)


@pytest.fixture
def encoder() -> Transformer:
    return random_model(ENCODER)


@pytest.fixture(name="tokens_BT")
def some_tokens() -> torch.Tensor:
    return torch.randint(0, 97, (2, 23), generator=torch.Generator().manual_seed(1))
