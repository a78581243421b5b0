"""Published tables as numbers, and the fields under their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput
from alen.neural import config_files
from alen.neural.config import TransformerConfig
from alen.neural.describe import describe, flops_per_token
from alen.neural.named import BertConfig, GPT2Config, L1Config, LargeModelConfig, ModelSize
from alen.neural.presets import names, preset, source_of

EXACT = {
    "alen-micro": 1_091_200,
    "alen-small": 21_096_960,
    "alen-medium": 89_023_488,
    "alen-large": 404_293_632,
    "alen-xl": 2_017_628_160,
    "alen-production": 89_023_488,
    "l1-tiny": 6_960_768,
    "l1-small": 30_339_456,
    "l1-base": 124_439_808,
    "l1-large": 354_823_168,
    "gpt2-tiny": 3_382_080,
    "gpt2-small": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "bert-tiny": 4_369_408,
    "bert-base": 108_891_648,
    "bert-large": 334_092_288,
    "minilm-l6": 22_565_376,
    "smollm2-135m": 134_515_008,
    "smollm2-360m": 361_821_120,
    "smollm2-1.7b": 1_711_376_384,
    "llama-3.2-1b": 1_235_814_400,
    "qwen3-0.6b": 596_049_920,
}
"""Of published weights without pooler and task head, or counted from the shape."""

UNREACHABLE = {
    *("l1-tiny", "l1-small", "l1-base", "l1-large", "bert-tiny"),
    *("gpt2-tiny", "gpt2-small", "gpt2-medium", "gpt2-xl"),
}
"""Where the source's number is not that of its own shape; ``presets.yaml`` says what is."""


def test_every_preset_is_here() -> None:
    assert set(EXACT) == set(names())


@pytest.mark.parametrize("name", EXACT)
def test_a_preset_has_as_many_parameters_as_its_source_says(name: str) -> None:
    total = describe(preset(name))["parameters"]["total"]
    assert total == EXACT[name]
    source, stated = source_of(name)
    assert source
    number = float(stated[:-1]) * {"K": 1e3, "M": 1e6, "B": 1e9}[stated[-1]]
    assert (abs(total - number) / number < 0.02) != (name in UNREACHABLE)


def test_sizes_by_name() -> None:
    assert LargeModelConfig.small() == LargeModelConfig.with_size(ModelSize.Small)
    for size, made in (
        (ModelSize.Micro, LargeModelConfig.micro()),
        (ModelSize.Medium, LargeModelConfig.medium()),
        (ModelSize.Large, LargeModelConfig.large()),
        (ModelSize.XL, LargeModelConfig.xl()),
    ):
        assert made.size is size
        assert made.transformer() == preset(size.value)
    assert LargeModelConfig.production().transformer() == preset("alen-production")
    assert (GPT2Config().transformer(), BertConfig().transformer()) == (preset("gpt2-small"), preset("bert-base"))
    assert L1Config().transformer() == preset("l1-base")
    for named, size in ((GPT2Config, "xl"), (BertConfig, "large"), (L1Config, "large")):
        assert getattr(named, size)().transformer() == preset(f"{named.__name__.removesuffix('Config').lower()}-{size}")


def test_inner_width_has_as_many_weights_as_stated() -> None:
    config = LargeModelConfig(d_model=512, n_heads=8, d_ff=2048).transformer()
    assert 3 * 512 * config.hidden_dim == pytest.approx(2 * 512 * 2048, rel=0.01)


def test_options_reach_the_transformer() -> None:
    large = LargeModelConfig(use_rope=False, use_flash_attention=True, gradient_checkpointing=True, d_head=80)
    config = large.transformer()
    assert config.positional.encoding == "learned"
    assert config.attention.use_flash_attn
    assert config.checkpoint_every == 1
    assert config.head_dim == 80
    assert L1Config(sinusoidal_positions=True).transformer().positional.encoding == "sinusoidal"
    assert not L1Config(tie_word_embeddings=False).transformer().tie_embeddings


@pytest.mark.parametrize(
    ("named", "data", "said"),
    [
        (LargeModelConfig, {"n_head": 4}, "Did you mean n_heads"),
        (L1Config, {"n_inner": 0}, "n_inner"),
        (GPT2Config, {"n_embed": 4}, "Did you mean n_embd"),
        (BertConfig, {"hidden_dropout_prob": 1.0}, "hidden_dropout_prob"),
    ],
)
def test_wrong_fields_are_named(named: Any, data: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        named.parse(data)


def test_work_of_a_token() -> None:
    config = preset("gpt2-small")
    matrices = 12 * (12 * 768 * 768) + 50257 * 768
    assert flops_per_token(config, 1) == 2 * matrices + 2 * 12 * 12 * 2 * 64
    assert flops_per_token(config, 1024) - flops_per_token(config, 1) == 1023 * 2 * 12 * 12 * 2 * 64


@pytest.mark.parametrize("ending", ["yaml", "yml", "json"])
def test_files_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"shape.{ending}"
    config = preset("llama-3.2-1b")
    config_files.write(config, path)
    assert config_files.read(path) == config


def test_a_file_may_begin_from_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "shape.yaml"
    path.write_text("model:\n  preset: gpt2-small\n  num_layers: 3\n")
    assert config_files.read(path) == preset("gpt2-small", num_layers=3)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("shape.toml", "", "ending"),
        ("gone.yaml", None, r"gone\.yaml"),
        ("shape.yaml", "- a\n- b", "list"),
        ("shape.yaml", "a: [", "readable YAML"),
        ("shape.json", "{", "readable YAML or JSON"),
        ("shape.yaml", "vocab_size: 9\nd_model: 8\nlayers: 2", r"shape\.yaml: layers.*num_layers"),
        ("shape.yaml", "preset: gpt3", "gpt2"),
        ("shape.yaml", "model: 7", "int"),
    ],
)
def test_wrong_files(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=said):
        config_files.read(path)


def test_defaults_are_documented_ones() -> None:
    config = TransformerConfig(vocab_size=50257, d_model=512, num_layers=6)
    assert config.model_dump(
        exclude={
            "vocab_size",
            "d_model",
            "num_layers",
            "token_types",
            "language_head",
            "checkpoint_every",
            "max_seq_len",
        }
    ) == {
        "tie_embeddings": True,
        "parallel_layers": False,
        "dropout": 0.0,
        "init_std": 0.02,
        "residual_scaled_init": True,
        "attention": {
            "variant": "gqa",
            "num_heads": 8,
            "num_kv_heads": None,
            "head_dim": None,
            "bias": False,
            "qkv_bias": None,
            "qk_norm": False,
            "dropout": 0.0,
            "mask_type": "causal",
            "window_size": None,
            "window_pattern": ("local",),
            "use_flash_attn": False,
        },
        "positional": {"encoding": "rope", "rope_base": 10000.0, "rope_scaling": None},
        "ffn": {
            "variant": "swiglu",
            "expansion_factor": 2.6667,
            "hidden_dim": None,
            "activation": "silu",
            "bias": False,
            "dropout": 0.0,
        },
        "norm": {"type": "rmsnorm", "eps": 1e-5, "placement": "pre"},
    }
    assert (config.num_kv_heads, config.head_dim) == (2, 64)
