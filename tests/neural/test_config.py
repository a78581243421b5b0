"""A configuration means what it says: what is not there is refused, with the field that is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from alen.errors import BadInput
from alen.neural.config import TransformerConfig

SMALL: dict[str, Any] = {"vocab_size": 50, "d_model": 64, "num_layers": 2}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"d_model": 0}, "d_model", "greater than or equal to 1"),
        ({"layers": 3}, "layers", "Did you mean num_layers"),
        ({"attention": {"heads": 8}}, "attention.heads", "Did you mean num_heads"),
        ({"attention": {"variant": "linear"}}, "attention.variant", "'gqa'"),
        ({"attention": {"dropout": 1.5}}, "attention.dropout", "less than 1"),
        ({"ffn": {"activation": "gelu"}}, "ffn", "swiglu has its own"),
        ({"attention": {"variant": "mha", "num_heads": 8, "num_kv_heads": 2}}, "attention", "num_kv_heads 8, not 2"),
        ({"attention": {"variant": "mqa", "num_heads": 8, "num_kv_heads": 2}}, "attention", "num_kv_heads 1, not 2"),
        ({"attention": {"num_heads": 7}}, "config", "d_model 64 is not a multiple of num_heads 7"),
        ({"attention": {"num_heads": 8, "num_kv_heads": 3}}, "attention", "not a multiple of num_kv_heads 3"),
        ({"attention": {"num_heads": 8, "head_dim": 9}}, "config", "a head has 9"),
        ({"positional": {"encoding": "relative"}}, "positional.encoding", "'rope'"),
        ({"norm": {"placement": "between"}}, "norm.placement", "'pre'"),
    ],
)
def test_wrong_field_is_named(changes: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        TransformerConfig.parse({**SMALL, **changes})
    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize(("variant", "heads", "shared"), [("gqa", 8, 2), ("gqa", 9, 1), ("mha", 8, 8), ("mqa", 8, 1)])
def test_shared_heads_follow_the_variant(variant: str, heads: int, shared: int) -> None:
    config = TransformerConfig.parse(
        {**SMALL, "d_model": 72 * 8, "attention": {"variant": variant, "num_heads": heads}}
    )
    assert config.num_kv_heads == shared


def test_inner_width_is_near_the_factor_and_whole_eights() -> None:
    assert TransformerConfig.parse(SMALL).hidden_dim == 168
    assert TransformerConfig.parse({**SMALL, "ffn": {"hidden_dim": 100}}).hidden_dim == 100


def test_configuration_comes_back_from_its_own_json() -> None:
    config = TransformerConfig.parse({**SMALL, "attention": {"num_heads": 4, "bias": True}})
    assert TransformerConfig.parse(config.model_dump(mode="json")) == config


def test_shapes_need_no_torch() -> None:
    code = (
        "import sys; from alen.neural import TransformerConfig; import alen.neural.presets, alen.neural.describe; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
