"""Adapters: nothing at first, trained alone, the same attached and folded in, refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close

from alen.errors import CorruptWeights
from alen.neural import lora
from alen.neural.transformer import Transformer
from tests.neural.conftest import DECODER, random_model


def trained(seed: int = 3, rank: int = 4) -> Transformer:
    model = random_model(DECODER)
    torch.manual_seed(seed)
    for parameter in lora.attach(model, rank=rank, alpha=8.0):
        parameter.data.copy_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "made" / "adapter.safetensors"
    lora.save(trained(), path, {"base": "tiny"})
    return path


def test_attached_changes_nothing_before_training(decoder: Transformer, tokens_BT: Tensor) -> None:
    before = decoder(tokens_BT)
    parameters = lora.attach(decoder, rank=4)
    assert len(parameters) == 2 * 4 * DECODER.num_layers
    assert torch.equal(decoder(tokens_BT), before)


def test_only_adapters_learn(decoder: Transformer, tokens_BT: Tensor) -> None:
    frozen = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
    parameters = lora.attach(decoder, rank=4, targets=("qkv", "down"))
    optimizer = torch.optim.SGD(parameters, lr=0.5)
    losses = []
    for _ in range(40):
        logits = decoder(tokens_BT[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens_BT[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    for name, tensor in decoder.state_dict().items():
        original = frozen.get(name.replace(".base.", "."))
        assert original is None or torch.equal(tensor, original), name


def test_merged_equals_attached(adapter: Path, tokens_BT: Tensor) -> None:
    attached = random_model(DECODER)
    lora.attach(attached, rank=4, alpha=8.0)
    lora.load(attached, adapter)
    merged = random_model(DECODER)
    lora.merge(merged, adapter)
    assert_close(merged(tokens_BT), attached(tokens_BT), atol=5e-5, rtol=1e-4)
    assert not torch.allclose(merged(tokens_BT), random_model(DECODER)(tokens_BT), atol=0.1)


def test_saved_and_loaded_are_the_same(adapter: Path, tmp_path: Path) -> None:
    model = random_model(DECODER)
    lora.attach(model, rank=4, alpha=8.0)
    lora.load(model, adapter)
    for name, parameter in trained().named_parameters():
        if name.endswith(("A_RM", "B_NR")):
            assert torch.equal(model.get_parameter(name), parameter.bfloat16().float()), name
    again = tmp_path / "again.safetensors"
    lora.save(model, again, {"base": "tiny"})
    assert again.read_bytes() == adapter.read_bytes()


def test_metadata_is_kept_with_the_scales(adapter: Path) -> None:
    metadata = lora.read_metadata(adapter)
    assert metadata["base"] == "tiny"
    assert metadata["scales"]["blocks.0.attention.qkv"] == 2.0


def test_merge_that_does_not_fit_changes_nothing(adapter: Path) -> None:
    narrow = random_model(DECODER.model_copy(update={"num_layers": 2}))
    before = {name: tensor.clone() for name, tensor in narrow.state_dict().items()}
    with pytest.raises(CorruptWeights, match=r"blocks\.2"):
        lora.merge(narrow, adapter)
    assert all(torch.equal(tensor, before[name]) for name, tensor in narrow.state_dict().items())


@pytest.mark.parametrize(("rank", "targets"), [(4, ("qkv",)), (2, lora.TARGETS)])
def test_load_into_other_adapters(adapter: Path, rank: int, targets: tuple[str, ...]) -> None:
    model = random_model(DECODER)
    lora.attach(model, rank=rank, targets=targets)
    with pytest.raises(CorruptWeights, match="Attach"):
        lora.load(model, adapter)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_truncated_adapter(adapter: Path, keep: float) -> None:
    content = adapter.read_bytes()
    adapter.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(CorruptWeights):
        lora.merge(random_model(DECODER), adapter)


def test_adapter_that_lacks_a_tensor_or_is_none(adapter: Path, tmp_path: Path) -> None:
    tensors = load_file(adapter)
    tensors.pop("blocks.1.ffn.down.B")
    lacking, foreign = tmp_path / "lacking.safetensors", tmp_path / "foreign.safetensors"
    save_file(tensors, lacking, {"alen": json.dumps(lora.read_metadata(adapter))})
    save_file(tensors, foreign)
    for path in (lacking, foreign, tmp_path / "absent.safetensors"):
        with pytest.raises(CorruptWeights):
            lora.merge(random_model(DECODER), path)


def test_folded_equals_attached(tokens_BT: Tensor) -> None:
    model = trained()
    before = model(tokens_BT)
    lora.fold(model)
    assert not any(isinstance(module, lora.LoRALinear) for module in model.modules())
    assert_close(model(tokens_BT), before, atol=1e-4, rtol=1e-4)


def test_taken_away_as_if_never_there(tokens_BT: Tensor) -> None:
    model = trained()
    lora.detach(model)
    assert torch.equal(model(tokens_BT), random_model(DECODER)(tokens_BT))


def test_adapters_from_a_layer_on(decoder: Transformer) -> None:
    parameters = lora.attach(decoder, rank=4, first=1)
    assert len(parameters) == 2 * 4 * (DECODER.num_layers - 1)
    assert not any(isinstance(module, lora.LoRALinear) for module in decoder.blocks[0].modules())
