"""What the flash-attn package is asked for is what the plain kernels give.

The package needs a GPU; a stand-in that does what its documentation says takes its place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from alen.neural import flash
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from tests.neural.conftest import random_model

WINDOW = {"mask_type": "sliding_window", "window_size": 5}
ASKED: list[tuple[bool, tuple[int, int]]] = []


def model_of(**attention: Any) -> Transformer:
    options = {"num_heads": 6, "use_flash_attn": True, **attention}
    return random_model(
        TransformerConfig.parse(
            {"vocab_size": 97, "d_model": 48, "num_layers": 2, "max_seq_len": 64, "attention": options}
        )
    )


def stand_in(
    q: Tensor, k: Tensor, v: Tensor, dropout_p: float = 0.0, causal: bool = False, window_size: Any = (-1, -1)
) -> Tensor:
    """flash_attn_func: (B, T, H, E) in and out, fewer key heads, a window of so many to the left and to the right."""
    ASKED.append((causal, window_size))
    steps = torch.arange(q.shape[1])
    far = steps[:, None] - steps
    left, right = window_size
    allowed = (far <= left if left >= 0 else far == far) & (-far <= right if right >= 0 else far == far)
    if causal:
        allowed &= far >= 0
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, enable_gqa=True).transpose(1, 2)


@pytest.mark.parametrize(
    ("attention", "asked"),
    [
        ({"variant": "gqa"}, (True, (-1, -1))),
        ({"variant": "mha", "mask_type": "bidirectional"}, (False, (-1, -1))),
        ({"variant": "mqa", **WINDOW}, (True, (4, 0))),
    ],
)
def test_it_is_asked_for_the_same(
    attention: dict[str, Any], asked: Any, monkeypatch: pytest.MonkeyPatch, tokens_BT: Tensor
) -> None:
    model = model_of(**attention)
    expected = model(tokens_BT)
    monkeypatch.setattr(flash, "_serves", lambda _: True)
    monkeypatch.setattr(flash, "_function", lambda: stand_in)
    ASKED.clear()
    assert_close(model(tokens_BT), expected, atol=1e-4, rtol=1e-4)
    assert [asked] * 2 == ASKED


def test_what_it_cannot_do_and_what_is_not_installed_is_left_to_the_others(
    monkeypatch: pytest.MonkeyPatch, tokens_BT: Tensor
) -> None:
    monkeypatch.setattr(flash, "_serves", lambda _: True)
    monkeypatch.setattr(flash, "_function", lambda: None)
    assert model_of()(tokens_BT).isfinite().all()
    monkeypatch.setattr(flash, "_function", lambda: pytest.fail("asked"))
    keep_BS = torch.ones(2, 23, dtype=torch.bool)
    assert model_of()(tokens_BT, keep_BS=keep_BS).isfinite().all()
    assert model_of(variant="complex")(tokens_BT).isfinite().all()


@pytest.mark.gpu
def test_on_a_gpu_the_package_gives_the_plain_logits(tokens_BT: Tensor) -> None:
    pytest.importorskip("flash_attn", reason="needs flash-attn: pip install flash-attn --no-build-isolation")
    model = model_of()
    expected = model(tokens_BT)
    found = model.cuda().bfloat16()(tokens_BT.cuda()).float().cpu()
    assert_close(found, expected, atol=0.2, rtol=0.1)
