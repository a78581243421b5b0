"""Every family of Hugging Face's, both ways: their random weights give our logits, and what we write gives theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close

from alen.errors import BadInput, CorruptWeights
from alen.neural import KVCache, load_decoder
from alen.neural.config import TransformerConfig
from alen.neural.presets import preset
from alen.neural.transformer import Transformer
from alen.neural.weights.hugging_face import save_folder
from tests.neural.conftest import random_model

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install -e '.[dev]'")

LLAMA = {
    "vocab_size": 97,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
SCALED = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
GPT2 = {
    "vocab_size": 97,
    "n_embd": 64,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 64,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2", GPT2),
    "gpt2 with its own inner width": ("GPT2", {**GPT2, "n_inner": 80, "activation_function": "relu"}),
    "llama": ("Llama", LLAMA),
    "llama tied": ("Llama", {**LLAMA, "tie_word_embeddings": True}),
    "llama with biases": ("Llama", {**LLAMA, "attention_bias": True, "mlp_bias": True}),
    "llama 3 scaling": ("Llama", {**LLAMA, "rope_parameters": SCALED}),
    "linear scaling": (
        "Llama",
        {**LLAMA, "rope_parameters": {"rope_type": "linear", "rope_theta": 5e4, "factor": 4.0}},
    ),
    "qwen2": ("Qwen2", {**LLAMA, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3", {**LLAMA, "head_dim": 24, "tie_word_embeddings": True}),
}


def theirs(name: str) -> Any:
    family, settings = FAMILIES[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**settings)
    model = getattr(transformers, f"{family}{'LMHeadModel' if family == 'GPT2' else 'ForCausalLM'}")(config).eval()
    for place, parameter in model.named_parameters():
        if "norm" in place or "ln_" in place or place.endswith("bias"):
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(params=FAMILIES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Transformer]:
    reference = theirs(request.param)
    reference.save_pretrained(tmp_path)
    return reference, load_decoder(tmp_path).model


def test_logits_are_theirs(pair: tuple[Any, Transformer], tokens_BT: Tensor) -> None:
    reference, ours = pair
    with torch.no_grad():
        assert_close(ours(tokens_BT), reference(tokens_BT).logits, atol=1e-4, rtol=0)


def test_cached_logits_are_theirs(pair: tuple[Any, Transformer], tokens_BT: Tensor) -> None:
    reference, ours = pair
    cache = KVCache.allocate(ours.config, batch=2, capacity=30)
    parts = [ours(part, cache=cache) for part in tokens_BT.split([9, 1, 1, 5, 7], dim=1)]
    with torch.no_grad():
        assert_close(torch.cat(parts, dim=1), reference(tokens_BT).logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_logits_are_theirs(pair: tuple[Any, Transformer], tokens_BT: Tensor, side: str) -> None:
    reference, ours = pair
    lengths = torch.tensor([[23], [14]])
    steps = torch.arange(23)[None]
    keep_BS = steps < lengths if side == "right" else steps >= 23 - lengths
    positions_BT = (keep_BS.long().cumsum(1) - 1).clamp_min(0)
    with torch.no_grad():
        expected = reference(tokens_BT, attention_mask=keep_BS.long(), position_ids=positions_BT).logits
    found = ours(tokens_BT, keep_BS=keep_BS, positions_BT=positions_BT)
    assert_close(found[keep_BS], expected[keep_BS], atol=1e-4, rtol=0)
    assert bool(found.isfinite().all())


def test_what_we_write_they_load(pair: tuple[Any, Transformer], tokens_BT: Tensor, tmp_path: Path) -> None:
    reference, ours = pair
    save_folder(ours, tmp_path / "out", shard_bytes=60_000)
    assert (tmp_path / "out" / "model.safetensors.index.json").is_file()
    again = type(reference).from_pretrained(tmp_path / "out", dtype=torch.float32, local_files_only=True).eval()
    with torch.no_grad():
        assert_close(again(tokens_BT).logits, ours(tokens_BT), atol=1e-4, rtol=0)
    assert_close(load_decoder(tmp_path / "out").model(tokens_BT), ours(tokens_BT), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["gpt2-tiny", "smollm2-135m", "llama-3.2-1b", "qwen3-0.6b", "l1-tiny"])
def test_a_preset_made_narrow_is_the_same_model_there(name: str, tokens_BT: Tensor, tmp_path: Path) -> None:
    full = preset(name)
    heads = full.attention.model_copy(
        update={"num_heads": 4, "num_kv_heads": None if full.attention.variant == "mha" else 2}
    )
    small = full.model_copy(update={"vocab_size": 97, "d_model": 64, "num_layers": 2, "attention": heads})
    small = TransformerConfig.parse({**small.model_dump(), "ffn": {**full.ffn.model_dump(), "hidden_dim": 96}})
    ours = random_model(small)
    save_folder(ours, tmp_path)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, local_files_only=True)
    with torch.no_grad():
        assert_close(again.eval()(tokens_BT).logits, ours(tokens_BT), atol=1e-4, rtol=0)


def test_options_that_no_family_has_are_not_written(tmp_path: Path) -> None:
    config = TransformerConfig.parse(
        {"vocab_size": 9, "d_model": 32, "num_layers": 1, "positional": {"encoding": "alibi"}}
    )
    with pytest.raises(BadInput, match="no family"):
        save_folder(random_model(config), tmp_path / "out")


def shard(folder: Path) -> dict[str, Any]:
    """The folder in two files with an index."""
    tensors = sorted(load_file(folder / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    places = {}
    for number in (1, 2):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file(dict(tensors[number - 1 :: 2]), folder / file, {"format": "pt"})
        places |= dict.fromkeys((name for name, _ in tensors[number - 1 :: 2]), file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return index


def test_an_index_says_which_files_belong(tmp_path: Path, tokens_BT: Tensor) -> None:
    reference = theirs("llama")
    reference.save_pretrained(tmp_path)
    shard(tmp_path)
    save_file({"stray": torch.zeros(1)}, tmp_path / "other.safetensors")
    with torch.no_grad():
        assert_close(load_decoder(tmp_path).model(tokens_BT), reference(tokens_BT).logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/hostname", "gone.safetensors", "", 7])
def test_an_index_does_not_lead_out_of_its_folder(tmp_path: Path, name: Any) -> None:
    folder = tmp_path / "model"
    theirs("llama").save_pretrained(folder)
    save_file({"lm_head.weight": torch.zeros(97, 64)}, tmp_path / "outside.safetensors")
    index = shard(folder)
    index["weight_map"]["lm_head.weight"] = name
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CorruptWeights, match=r"index\.json"):
        load_decoder(folder)
