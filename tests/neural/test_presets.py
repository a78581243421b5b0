"""Presets and counted sizes are those of the models themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from alen.errors import BadInput
from alen.models import locate
from alen.neural import KVCache, load_decoder, load_encoder
from alen.neural.config import TransformerConfig
from alen.neural.describe import describe, parameters_by_part
from alen.neural.presets import names, preset
from alen.neural.unfilled import unfilled
from tests.neural.conftest import DECODER, ENCODER

SHAPES: dict[str, TransformerConfig] = {
    **{name: preset(name) for name in names()},
    "decoder": DECODER,
    "encoder": ENCODER,
    "untied": DECODER.model_copy(update={"tie_embeddings": False}),
    "headless": DECODER.model_copy(update={"tie_embeddings": False, "language_head": False}),
    "wide heads": TransformerConfig.parse(
        {"vocab_size": 11, "d_model": 24, "num_layers": 2, "attention": {"num_heads": 3, "head_dim": 20, "bias": True}}
    ),
}


def part_of(name: str) -> str:
    for part in ("attention_norm", "ffn_norm", "query_norm", "key_norm", "norm"):
        if name.split(".")[-2] == part:
            return "norm"
    return next(part for part in ("embedding", "attention", "ffn", "head") if part in name)


@pytest.mark.parametrize("name", SHAPES)
def test_counted_parts_are_those_of_the_built_model(name: str) -> None:
    found = dict.fromkeys(("embedding", "attention", "ffn", "norm", "head"), 0)
    for place, parameter in unfilled(SHAPES[name]).named_parameters():
        found[part_of(place)] += parameter.numel()
    assert parameters_by_part(SHAPES[name]) == found


@pytest.mark.parametrize(("dtype", "name"), [(torch.float32, "float32"), (torch.bfloat16, "bfloat16")])
def test_described_bytes_are_those_taken(dtype: torch.dtype, name: str) -> None:
    stated = describe(DECODER)["bytes"][name]
    taken = sum(part.numel() * dtype.itemsize for part in unfilled(DECODER).parameters())
    assert stated["weights"] == taken
    assert stated["cache_per_token"] * 37 == KVCache.allocate(DECODER, batch=1, capacity=37, dtype=dtype).bytes


def test_no_cache_where_every_token_sees_every_other() -> None:
    assert describe(ENCODER)["bytes"]["float32"]["cache_per_token"] == 0


def test_published_sizes() -> None:
    assert describe(preset("smollm2-135m"))["parameters"]["total"] == 134_515_008
    assert describe(preset("minilm-l6"))["parameters"]["total"] == 22_713_216 - 384 * 384 - 384  # less the pooler


def test_changes_replace_fields() -> None:
    config = preset("smollm2-135m", num_layers=2, max_seq_len=512)
    assert (config.num_layers, config.max_seq_len, config.d_model) == (2, 512, 576)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [("smollm-135m", {}, "Did you mean smollm2-135m"), ("minilm-l6", {"depth": 3}, "depth")],
)
def test_wrong_name_or_change(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        preset(name, **changes)


@pytest.mark.models
def test_presets_are_the_shapes_of_the_default_models(models_home: Path) -> None:
    decoder = load_decoder(locate("smollm2-135m-instruct", models_home).path, dtype=torch.bfloat16)
    encoder = load_encoder(locate("all-minilm-l6-v2", models_home).path)
    for found, name in ((decoder.config, "smollm2-135m"), (encoder.config, "minilm-l6")):
        expected = preset(name)
        for field in ("head_dim", "num_kv_heads", "hidden_dim"):
            assert getattr(found, field) == getattr(expected, field)
        assert found.norm.eps == pytest.approx(expected.norm.eps)
        resolved = {"attention": {"head_dim", "num_kv_heads"}, "norm": {"eps"}}
        assert found.model_dump(exclude=resolved) == expected.model_dump(exclude=resolved)
