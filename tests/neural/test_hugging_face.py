"""Folders in the Hugging Face layout: the numbers of the reference, and no damaged folder gets through."""

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
from alen.neural import load_decoder, load_encoder

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install -e '.[dev]'")

LLAMA = {
    "vocab_size": 97,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rope_theta": 50000.0,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
BERT = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
}


def llama(folder: Path, **changes: Any) -> Any:
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**LLAMA, **changes})).eval()
    for name, parameter in model.named_parameters():
        if "norm" in name or name.endswith("bias"):
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def bert(folder: Path) -> Any:
    torch.manual_seed(0)
    model = transformers.BertModel(transformers.BertConfig(**BERT), add_pooling_layer=False).eval()
    for name, parameter in model.named_parameters():
        if "LayerNorm" in name or name.endswith("bias"):
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def rewrite(folder: Path, tensors: dict[str, Tensor]) -> None:
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    "changes",
    [
        {"tie_word_embeddings": True},
        {"tie_word_embeddings": False},
        {"attention_bias": True},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1, "head_dim": 8},
    ],
)
def test_decoder_has_the_logits_of_the_reference(tmp_path: Path, tokens_BT: Tensor, changes: dict[str, Any]) -> None:
    reference = llama(tmp_path, **changes)
    loaded = load_decoder(tmp_path)
    assert loaded.config.tie_embeddings == changes.get("tie_word_embeddings", False)
    with torch.no_grad():
        assert_close(loaded.model(tokens_BT), reference(tokens_BT).logits, atol=1e-4, rtol=0)


def test_decoder_in_several_files(tmp_path: Path, tokens_BT: Tensor) -> None:
    llama(tmp_path)
    whole = load_decoder(tmp_path).model(tokens_BT)
    tensors = sorted(load_file(tmp_path / "model.safetensors").items())
    (tmp_path / "model.safetensors").unlink()
    for number in (0, 1):
        save_file(dict(tensors[number::2]), tmp_path / f"model-0000{number + 1}-of-00002.safetensors")
    assert torch.equal(load_decoder(tmp_path).model(tokens_BT), whole)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CorruptWeights, match="missing"):
        load_decoder(tmp_path)


def test_encoder_has_the_states_of_the_reference(tmp_path: Path, tokens_BT: Tensor) -> None:
    reference = bert(tmp_path)
    valid_BS = torch.arange(23)[None] < torch.tensor([[23], [8]])
    ours = load_encoder(tmp_path).model.hidden(tokens_BT, mask_BTS=valid_BS[:, None, :])
    with torch.no_grad():
        theirs = reference(tokens_BT, attention_mask=valid_BS.long()).last_hidden_state
    assert_close(ours[valid_BS], theirs[valid_BS], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("keep", [0.0, 0.0005, 0.5, 0.9999])
def test_truncated_weights(tmp_path: Path, keep: float) -> None:
    llama(tmp_path / "llama")
    bert(tmp_path / "bert")
    for name, load in (("llama", load_decoder), ("bert", load_encoder)):
        file = tmp_path / name / "model.safetensors"
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * keep)])
        with pytest.raises(CorruptWeights, match=r"model\.safetensors"):
            load(tmp_path / name)


@pytest.mark.parametrize("missing", ["model.norm.weight", "model.layers.1.self_attn.k_proj.weight", "lm_head.weight"])
def test_missing_tensor_of_a_decoder(tmp_path: Path, missing: str) -> None:
    llama(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors[missing]
    rewrite(tmp_path, tensors)
    with pytest.raises(CorruptWeights, match=f"missing {missing}"):
        load_decoder(tmp_path)


def test_missing_tensor_of_an_encoder(tmp_path: Path) -> None:
    bert(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.bias"]
    rewrite(tmp_path, tensors)
    with pytest.raises(CorruptWeights, match=r"missing encoder\.layer\.1\.output\.dense\.bias"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("name", ["self_attn.k_proj", "self_attn.o_proj", "mlp.up_proj"])
def test_tensor_of_another_shape(tmp_path: Path, name: str) -> None:
    llama(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    key = f"model.layers.0.{name}.weight"
    tensors[key] = tensors[key][:, :10].contiguous()
    rewrite(tmp_path, tensors)
    with pytest.raises(CorruptWeights):
        load_decoder(tmp_path)


def test_tensor_that_its_architecture_does_not_have(tmp_path: Path) -> None:
    llama(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    rewrite(tmp_path, {**tensors, "model.layers.0.mlp.router.weight": torch.zeros(2, 2)})
    with pytest.raises(BadInput, match=r"mlp\.router\.weight"):
        load_decoder(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "mamba"}, "architecture mamba"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}}, "scaled by yarn"),
        ({"rope_parameters": None, "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "scaled by dynamic"),
        ({"hidden_act": "gelu"}, "activation gelu"),
        ({"num_hidden_layers": "three"}, "num_layers"),
    ],
)
def test_option_that_is_not_supported(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    llama(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | changes))
    with pytest.raises(BadInput, match=said):
        load_decoder(tmp_path)


def test_decoder_where_an_encoder_belongs(tmp_path: Path) -> None:
    llama(tmp_path)
    with pytest.raises(BadInput, match="architecture llama"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_type": "llama"}', "\x00\x01"])
def test_configuration_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    llama(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises((CorruptWeights, BadInput)):
        load_decoder(tmp_path)


def test_folder_without_weights_or_configuration(tmp_path: Path) -> None:
    with pytest.raises(CorruptWeights, match=r"config\.json"):
        load_decoder(tmp_path)
    llama(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CorruptWeights, match=r"no \.safetensors"):
        load_decoder(tmp_path)
