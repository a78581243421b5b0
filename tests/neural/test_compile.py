"""The model is one graph for torch.compile: nothing in it falls back to Python."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.neural.config import TransformerConfig
from tests.neural.conftest import random_model

CASES: dict[str, dict[str, Any]] = {
    "llama": {},
    "gpt2": {
        "attention": {"variant": "mha", "bias": True},
        "positional": {"encoding": "learned"},
        "ffn": {"variant": "mlp", "activation": "gelu_tanh"},
        "norm": {"type": "layernorm"},
    },
    "bert": {
        "attention": {"variant": "mha", "mask_type": "bidirectional"},
        "positional": {"encoding": "learned"},
        "norm": {"type": "layernorm", "placement": "post"},
        "token_types": 2,
    },
    "sliding": {"attention": {"mask_type": "sliding_window", "window_size": 5, "window_pattern": ["local", "global"]}},
    "complex": {"attention": {"variant": "complex"}},
    "alibi": {"positional": {"encoding": "alibi"}},
    "everything else": {
        "attention": {"qk_norm": True},
        "positional": {"encoding": "sinusoidal"},
        "ffn": {"variant": "geglu"},
        "norm": {"placement": "sandwich"},
        "parallel_layers": True,
        "tie_embeddings": False,
    },
}


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch.compiler.reset()


@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward_are_one_graph(name: str, tokens_BT: Tensor) -> None:
    model = random_model(TransformerConfig.parse({"vocab_size": 97, "d_model": 64, "num_layers": 2, **CASES[name]}))
    model.requires_grad_(True)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    found, expected = compiled(tokens_BT), model(tokens_BT)
    assert_close(found, expected, atol=1e-5, rtol=1e-4)
    parameters = list(model.parameters())
    ours = torch.autograd.grad(found.square().mean(), parameters, allow_unused=True)
    theirs = torch.autograd.grad(expected.square().mean(), parameters, allow_unused=True)
    for one, other in zip(ours, theirs, strict=True):
        if other is not None:
            assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_padding_keeps_it_one_graph(tokens_BT: Tensor) -> None:
    model = random_model(TransformerConfig.parse({"vocab_size": 97, "d_model": 64, "num_layers": 2}))
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    keep_BS = torch.arange(23)[None] < torch.tensor([[23], [9]])
    assert_close(compiled(tokens_BT, keep_BS=keep_BS), model(tokens_BT, keep_BS=keep_BS))


def test_one_graph_serves_texts_of_other_lengths(tokens_BT: Tensor) -> None:
    model = random_model(TransformerConfig.parse({"vocab_size": 97, "d_model": 64, "num_layers": 1}))
    graphs = 0

    def backend(graph: Any, inputs: Any) -> Any:
        nonlocal graphs
        graphs += 1
        return graph.forward

    compiled = torch.compile(model, fullgraph=True, backend=backend, dynamic=True)
    for length in (5, 9, 17, 23):
        assert_close(compiled(tokens_BT[:, :length]), model(tokens_BT[:, :length]))
    assert graphs == 1
