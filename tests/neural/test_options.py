"""Options in pairs: every pair of values is in some model that is built, counted, run, cached, trained and kept."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.describe import describe
from alen.neural.loss import cross_entropy
from alen.neural.transformer import Transformer
from alen.neural.weights import folder

OPTIONS: dict[str, tuple[Any, ...]] = {
    "attention.variant": ("mha", "gqa", "mqa", "complex"),
    "attention.mask_type": ("causal", "bidirectional", "sliding_window"),
    "attention.bias": (False, True),
    "attention.qkv_bias": (None, True, False),
    "attention.qk_norm": (False, True),
    "attention.head_dim": (None, 12),
    "attention.dropout": (0.0, 0.1),
    "positional.encoding": ("rope", "alibi", "sinusoidal", "learned", "none"),
    "ffn.variant": ("swiglu", "geglu", "mlp"),
    "ffn.bias": (False, True),
    "ffn.dropout": (0.0, 0.1),
    "norm.type": ("rmsnorm", "layernorm"),
    "norm.placement": ("pre", "post", "sandwich"),
    "tie_embeddings": (True, False),
    "parallel_layers": (False, True),
    "dropout": (0.0, 0.1),
    "residual_scaled_init": (True, False),
    "checkpoint_every": (0, 1, 2),
}


def allowed(chosen: dict[str, Any]) -> bool:
    return not (chosen.get("parallel_layers") and chosen.get("norm.placement") == "post")


def covering() -> list[dict[str, Any]]:
    """Few choices that together hold every allowed pair of values (greedy)."""
    chance = random.Random(0)
    pairs = {
        ((one, a), (other, b))
        for one, other in itertools.combinations(OPTIONS, 2)
        for a in OPTIONS[one]
        for b in OPTIONS[other]
        if allowed({one: a, other: b})
    }
    found = []
    while pairs:
        tries = []
        for _ in range(30):
            seed = chance.choice(sorted(pairs, key=str))
            chosen: dict[str, Any] = dict(seed)
            while len(chosen) < len(OPTIONS) or not allowed(chosen):
                chosen = {name: chance.choice(values) for name, values in OPTIONS.items()} | dict(seed)
            tries.append(chosen)
        best = max(tries, key=lambda chosen: len(pairs & _pairs(chosen)))
        pairs -= _pairs(best)
        found.append(best)
    return found


def _pairs(chosen: dict[str, Any]) -> set[Any]:
    return {((one, chosen[one]), (other, chosen[other])) for one, other in itertools.combinations(OPTIONS, 2)}


def config_of(chosen: dict[str, Any]) -> TransformerConfig:
    data: dict[str, Any] = {
        "vocab_size": 61,
        "d_model": 32,
        "num_layers": 3,
        "max_seq_len": 40,
        "attention": {"num_heads": 4},
    }
    for name, value in chosen.items():
        *part, field = name.split(".")
        (data.setdefault(part[0], {}) if part else data)[field] = value
    if data["attention"]["mask_type"] == "sliding_window":
        data["attention"] |= {"window_size": 5, "window_pattern": ["local", "global"]}
    return TransformerConfig.parse(data)


CHOICES = covering()


@pytest.mark.parametrize("chosen", CHOICES, ids=[str(number) for number in range(len(CHOICES))])
def test_a_choice_of_options(chosen: dict[str, Any], tmp_path: Path) -> None:
    config = config_of(chosen)
    torch.manual_seed(0)
    model = Transformer(config)
    assert sum(part.numel() for part in model.parameters()) == describe(config)["parameters"]["total"]

    tokens_BT = torch.randint(0, 61, (2, 17))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(8):
        hidden_BTD = model.hidden(tokens_BT)
        loss = cross_entropy(hidden_BTD[:, :-1].flatten(0, 1), model.output_weight, tokens_BT[:, 1:].flatten(), piece=9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(part.grad is not None for part in model.parameters())

    model.eval()
    with torch.no_grad():
        whole_BTV = model(tokens_BT)
        assert whole_BTV.shape == (2, 17, 61)
        if config.attention.mask_type != "bidirectional":
            cache = KVCache.allocate(config, batch=2, capacity=17)
            parts = [model(part, cache=cache) for part in tokens_BT.split([6, 1, 1, 9], dim=1)]
            assert_close(torch.cat(parts, dim=1), whole_BTV, atol=1e-4, rtol=1e-3)
        folder.save(model, tmp_path / "kept")
        loaded = folder.load(tmp_path / "kept")
        assert loaded.config == config
        assert_close(loaded.model(tokens_BT), whole_BTV, atol=0, rtol=0)


@pytest.mark.parametrize("every", [1, 2])
def test_activations_computed_again_give_the_same_gradients(every: int) -> None:
    kept = config_of({"attention.mask_type": "causal", "dropout": 0.0})
    torch.manual_seed(0)
    model = Transformer(kept)
    tokens_BT = torch.randint(0, 61, (2, 17))

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model(tokens_BT).square().mean().backward()
        return [part.grad.clone() for part in model.parameters() if part.grad is not None]

    expected = gradients()
    model.config = kept.model_copy(update={"checkpoint_every": every})
    assert_close(gradients(), expected, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"parallel_layers": True, "norm.placement": "post"}, "placement post has none"),
        ({"attention.window_size": 4}, "window_size is of mask_type sliding_window"),
        ({"ffn.variant": "geglu", "ffn.activation": "gelu"}, "geglu has its own"),
        ({"positional.encoding": "alibi", "positional.rope_scaling": 2.0}, "rope_scaling is of encoding rope"),
        ({"positional.rope_scaling": 0.5}, "at least 1"),
        ({"attention.num_head": 4}, "Did you mean num_heads"),
        ({"positional.rope_basis": 4}, "Did you mean rope_base"),
        ({"d_modell": 4}, "Did you mean d_model"),
        ({"ffn.dropout": 1.0}, "less than 1"),
    ],
)
def test_options_that_contradict_each_other(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        config_of({"attention.mask_type": "causal", **chosen})


def test_a_sliding_window_needs_its_size() -> None:
    with pytest.raises(BadInput, match="needs a window_size"):
        TransformerConfig.parse(
            {"vocab_size": 9, "d_model": 32, "num_layers": 1, "attention": {"mask_type": "sliding_window"}}
        )
