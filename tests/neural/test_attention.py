"""Attention against sums written out, for every kind of score and every kind of mask."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.neural import trained_attention
from alen.neural.attention import Attention
from alen.neural.config import TransformerConfig
from alen.neural.masks import Scope, scope
from alen.neural.positions import alibi_slopes, frequencies
from alen.neural.transformer import Transformer
from tests.neural.conftest import random_model

TIME = 19


def config_of(**options: Any) -> TransformerConfig:
    return TransformerConfig.parse({"vocab_size": 97, "d_model": 48, "num_layers": 2, "max_seq_len": 64, **options})


def spelled_out(model: Attention, config: TransformerConfig, x_BTD: Tensor, allowed_TS: Tensor) -> Tensor:
    """Head by head, pair by pair, in double precision and, for complex heads, in complex arithmetic."""
    heads, shared, width, values = model.heads, model.kv_heads, model.width, model.value_width
    qkv = (x_BTD.double() @ model.qkv.weight.double().T)[0]
    q, k, v = qkv.split([heads * width, shared * width, shared * values], dim=-1)
    angle = torch.arange(len(qkv))[:, None] * frequencies(width, config.positional)
    slopes = alibi_slopes(heads).double()
    outputs = []
    for head in range(heads):
        place = head // (heads // shared)
        parts = [q[:, head * width : (head + 1) * width], k[:, place * width : (place + 1) * width]]
        one, other = (torch.complex(part[:, : width // 2], part[:, width // 2 :]) for part in parts)
        if config.positional.encoding == "rope":
            one, other = one * torch.exp(1j * angle), other * torch.exp(1j * angle)
        scores = (one @ other.conj().T).real / math.sqrt(width)
        if config.positional.encoding == "alibi":
            steps = torch.arange(len(qkv))
            scores = scores - slopes[head] * (steps[:, None] - steps).abs()
        weights = scores.masked_fill(~allowed_TS, -math.inf).softmax(-1)
        outputs.append(weights @ v[:, place * values : (place + 1) * values])
    return (torch.cat(outputs, -1) @ model.o.weight.double().T)[None]


@pytest.mark.parametrize("variant", ["mha", "gqa", "mqa", "complex"])
@pytest.mark.parametrize("encoding", ["rope", "alibi", "none"])
@pytest.mark.parametrize("mask", ["causal", "bidirectional", "sliding_window"])
def test_every_variant_is_what_is_spelled_out(variant: str, encoding: str, mask: str) -> None:
    attention = {"variant": variant, "num_heads": 6, "mask_type": mask, "window_size": 5 if "slid" in mask else None}
    config = config_of(attention=attention, positional={"encoding": encoding})
    torch.manual_seed(0)
    model = random_model(config)
    x_BTD = torch.randn(1, TIME, 48)
    steps = torch.arange(TIME)
    allowed = {
        "causal": steps[:, None] >= steps,
        "bidirectional": torch.ones(TIME, TIME, dtype=torch.bool),
        "sliding_window": (steps[:, None] >= steps) & (steps[:, None] - steps < 5),
    }[mask]
    first = model.blocks[0].attention
    rotation = (model.cos[steps[None]], model.sin[steps[None]]) if encoding == "rope" else None
    scopes = model._scopes(steps[None], None, None, None, torch.float32, False)
    found = first(x_BTD, rotation, scopes[config.window(0)], None, 0)
    assert_close(found.double(), spelled_out(first, config, x_BTD, allowed), atol=1e-4, rtol=1e-4)


def test_a_window_of_the_whole_text_is_no_window(tokens_BT: Tensor) -> None:
    wide = random_model(config_of(attention={"mask_type": "sliding_window", "window_size": 23}))
    plain = random_model(config_of())
    assert_close(wide(tokens_BT), plain(tokens_BT))


def test_layers_of_a_pattern_take_turns() -> None:
    attention = {"mask_type": "sliding_window", "window_size": 4, "window_pattern": ["local", "local", "global"]}
    config = config_of(num_layers=7, attention=attention)
    assert [config.window(layer) for layer in range(7)] == [4, 4, None, 4, 4, None, 4]


def test_what_lies_before_the_window_of_every_layer_is_not_seen(tokens_BT: Tensor) -> None:
    model = random_model(config_of(attention={"mask_type": "sliding_window", "window_size": 4}))
    changed_BT = tokens_BT.clone()
    changed_BT[:, 0] = (changed_BT[:, 0] + 1) % 97
    # Two layers of window 4 reach back six tokens.
    assert_close(model(tokens_BT)[:, 7:], model(changed_BT)[:, 7:])
    assert not torch.allclose(model(tokens_BT)[:, 6], model(changed_BT)[:, 6], atol=1e-4)


def test_the_kernel_masks_itself_where_it_can() -> None:
    steps = torch.arange(9)[None]
    common = {"query_BT": steps, "source_BS": steps, "causal": True, "fresh": True}
    assert scope(**common, window=None) == Scope(causal=True)
    assert scope(**common, window=9) == Scope(causal=True)
    assert scope(**common, window=8).mask is not None
    assert scope(**{**common, "causal": False}, window=None) == Scope()


def test_rows_of_nothing_but_padding_stay_finite(tokens_BT: Tensor) -> None:
    for mask in ("causal", "bidirectional"):
        model = random_model(config_of(attention={"mask_type": mask}))
        keep_BS = torch.zeros(2, 23, dtype=torch.bool)
        keep_BS[0, 3:] = True
        hidden_BTD = model.hidden(tokens_BT, keep_BS=keep_BS)
        assert bool(hidden_BTD.isfinite().all())


def test_queries_and_keys_are_normalised(tokens_BT: Tensor) -> None:
    config = config_of(attention={"qk_norm": True})
    model: Transformer = random_model(config)
    before = model(tokens_BT)
    with torch.no_grad():
        for block in model.blocks:
            rows = sum(block.attention.sizes[:2])
            block.attention.qkv.weight[:rows] *= 7.0
    assert_close(model(tokens_BT), before, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("variant", ["mha", "gqa", "complex"])
@pytest.mark.parametrize("mask", ["causal", "bidirectional"])
def test_training_in_bfloat16_has_the_gradients_of_the_fused_kernel(
    variant: str, mask: str, monkeypatch: pytest.MonkeyPatch, tokens_BT: Tensor
) -> None:
    config = config_of(attention={"variant": variant, "num_heads": 6, "mask_type": mask})
    model = random_model(config).bfloat16().requires_grad_(True)

    def gradients() -> list[Tensor]:
        model.zero_grad()
        model(tokens_BT).float().log_softmax(-1)[..., 3].mean().backward()
        return [part.grad.float() for part in model.parameters() if part.grad is not None]

    ours = gradients()
    monkeypatch.setattr(trained_attention, "applies", lambda *_: False)
    theirs = gradients()
    exact = model.float()
    for one, other, true in zip(ours, theirs, gradients(), strict=True):
        # As far from the exact gradient as the fused kernel is, give or take.
        assert float((one - true).norm()) < 1.5 * float((other - true).norm()) + 1e-3 * float(true.norm())
    assert exact is model
