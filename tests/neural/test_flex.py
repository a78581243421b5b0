"""Attention by blocks gives what a dense mask gives. The blocks are those of a GPU; their meaning is the same here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.neural import flex
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from tests.neural.conftest import random_model

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")

ODD: dict[str, dict[str, Any]] = {
    "window": {"attention": {"num_heads": 6, "mask_type": "sliding_window", "window_size": 5}},
    "pattern": {
        "attention": {
            "num_heads": 6,
            "mask_type": "sliding_window",
            "window_size": 5,
            "window_pattern": ["local", "global"],
        }
    },
    "alibi": {"attention": {"num_heads": 6}, "positional": {"encoding": "alibi"}},
    "alibi both ways": {
        "attention": {"num_heads": 6, "mask_type": "bidirectional"},
        "positional": {"encoding": "alibi"},
    },
    "complex": {"attention": {"num_heads": 6, "variant": "complex", "mask_type": "sliding_window", "window_size": 5}},
}


def model_of(options: dict[str, Any]) -> Transformer:
    return random_model(
        TransformerConfig.parse({"vocab_size": 97, "d_model": 96, "num_layers": 2, "max_seq_len": 64, **options})
    )


@pytest.mark.parametrize("padding", ["none", "left", "right"])
@pytest.mark.parametrize("odd", list(ODD))
def test_blocks_are_the_dense_mask(odd: str, padding: str, monkeypatch: pytest.MonkeyPatch, tokens_BT: Tensor) -> None:
    model = model_of(ODD[odd])
    keep_BS = None
    seen_BT = torch.ones_like(tokens_BT, dtype=torch.bool)
    if padding != "none":
        seen_BT[1, slice(0, 6) if padding == "left" else slice(-6, None)] = False
        keep_BS = seen_BT
    dense = model(tokens_BT, keep_BS=keep_BS)
    asked: list[int] = []
    monkeypatch.setattr(flex, "applies", lambda device: asked.append(1) is None)
    assert_close(model(tokens_BT, keep_BS=keep_BS)[seen_BT], dense[seen_BT], atol=1e-4, rtol=1e-4)
    assert asked


def test_positions_of_ones_own_and_dropped_weights_keep_the_dense_mask(
    monkeypatch: pytest.MonkeyPatch, tokens_BT: Tensor
) -> None:
    monkeypatch.setattr(flex, "applies", lambda device: True)
    monkeypatch.setattr(flex, "attention", lambda *_: pytest.fail("blocks were used"))
    model_of(ODD["alibi"])(tokens_BT, positions_BT=torch.arange(23)[None] + 1)
    options = {**ODD["alibi"], "attention": {"num_heads": 6, "dropout": 0.5}}
    model_of(options).train()(tokens_BT)
    cache_free = model_of({"attention": {"num_heads": 6}})
    assert cache_free(tokens_BT).isfinite().all()


@pytest.mark.gpu
@pytest.mark.parametrize("odd", ["window", "alibi"])
def test_the_compiled_kernel_is_the_dense_mask_on_a_gpu(odd: str, tokens_BT: Tensor) -> None:
    def found(device: str) -> tuple[Tensor, ...]:
        model = model_of(ODD[odd]).requires_grad_(True).to(device)
        logits = model(tokens_BT.to(device))
        gradients = torch.autograd.grad(logits.log_softmax(-1)[..., 3].mean(), list(model.parameters()))
        return tuple(part.cpu() for part in (logits, *gradients))

    for one, other in zip(found("cuda"), found("cpu"), strict=True):
        assert_close(one, other, atol=1e-3, rtol=1e-2)
