"""What a run takes is counted as it turns out to be, and what cannot fit is refused with what to change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.training import dry_run, peak
from alen.training.building import configuration, make_model
from alen.training.dry_run import activations, plan
from alen.training.machine import Machine, machine_of
from alen.training.objective import Objective
from alen.training.recipe import TrainingRecipe

Recipe = Callable[..., TrainingRecipe]
CPU = Machine("cpu", 1, 1, 1, 1, "single", torch.float32)


def test_parameters_and_moments_are_those_of_the_model(recipe: Recipe, tmp_path: Path) -> None:
    made = recipe()
    model = make_model(made, configuration(made, None))
    count = sum(parameter.numel() for parameter in model.parameters())
    found = plan(made, model.config, 32, CPU, 10)
    assert found.parameters == found.trained == count
    assert (found.weights, found.gradients, found.optimizer) == (4 * count, 4 * count, 8 * count)
    assert found.tokens_per_step == 4 * 32
    matrices = sum(p.numel() for name, p in model.named_parameters() if ".attention." in name or ".ffn." in name)
    muon = recipe(optimizer={"kind": "muon"})
    assert plan(muon, model.config, 32, CPU, 10).optimizer == 8 * count - 4 * matrices
    torch.save(model.state_dict(), tmp_path / "weights")
    assert found.checkpoint >= 3 * (tmp_path / "weights").stat().st_size * 0.8


def test_adapters_are_counted(recipe: Recipe, tmp_path: Path) -> None:
    from alen.neural.weights import folder

    base = recipe()
    folder.save(Transformer(configuration(base, None)), tmp_path / "base")
    made = recipe(model={"pretrained": str(tmp_path / "base")}, lora={"rank": 3})
    model = make_model(made, configuration(made, None))
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert plan(made, configuration(made, None), 32, CPU, 1).trained == trained


def test_frozen_embeddings_stay_as_they_are(recipe: Recipe, tmp_path: Path) -> None:
    from alen.neural.weights import folder

    base = recipe()
    folder.save(Transformer(configuration(base, None)), tmp_path / "base")
    made = recipe(model={"pretrained": str(tmp_path / "base")}, freeze_embeddings=True)
    model = make_model(made, configuration(made, None))
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if "embedding" in name}
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert plan(made, configuration(made, None), 32, CPU, 1).trained == trained


@pytest.mark.parametrize("every", [0, 1])
@pytest.mark.parametrize("preset", ["alen-small", "gpt2-small", "smollm2-135m"])
def test_activations_are_near_what_is_kept_for_the_way_back(preset: str, every: int) -> None:
    from alen.neural.presets import preset as shape

    whole = shape(preset)
    small = {"d_model": 256, "num_layers": 4, "vocab_size": 256, "max_seq_len": 128, "checkpoint_every": every}
    heads = whole.attention.model_copy(update={"num_heads": 8, "num_kv_heads": None, "head_dim": None, "dropout": 0.0})
    ffn = whole.ffn.model_copy(update={"hidden_dim": 768})
    config = TransformerConfig.parse({**whole.model_dump(), **small, "attention": heads, "ffn": ffn})
    objective, kept = Objective(Transformer(config)), {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in objective.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    tokens_BT = torch.randint(256, (4, 128))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        objective({"tokens_BT": tokens_BT, "targets_BT": tokens_BT})
    logits = 4 * 128 * 256 * 4
    whole_layer = 0 if not every else (activations(config, 512, 4) - logits) * 0.6
    assert 0.6 < sum(kept.values()) / (activations(config, 512, 4) - logits - whole_layer) < 1.7


def test_what_cannot_fit_is_refused_with_what_to_change(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "memory", lambda device: 2**20)
    made = recipe(batch=64)
    with pytest.raises(BadInput, match="GiB a device") as refused:
        plan(made, configuration(made, None), 32, CPU, 10)
    assert "batch: 32 with accumulate: 2" in refused.value.hint
    eight = dataclasses.replace(CPU, devices=8, shards=8)
    assert plan(recipe(batch=1), configuration(made, None), 8, eight, 10).weights < 2**20
    monkeypatch.setattr(dry_run, "memory", lambda device: None)
    assert plan(made, configuration(made, None), 32, CPU, 10).available is None


def test_the_peak_is_of_this_machine() -> None:
    assert 1e8 < peak.peak("cpu", torch.float32) < 1e15
    assert (peak.memory("cpu") or 2**30) > 2**28


def test_a_machine_is_what_the_recipe_says(recipe: Recipe) -> None:
    two = machine_of(recipe(machine={"accelerator": "cpu", "devices": 2, "nodes": 3}))
    assert (two.strategy, two.devices, two.ranks, two.shards) == ("ddp", 6, 6, 1)
    keys = {"accelerator": "cpu", "devices": 8, "strategy": "fsdp+tensor_parallel", "tensor_parallel": 2}
    both = machine_of(recipe(machine=keys))
    assert (both.ranks, both.shards, both.sharded) == (4, 8, True)
    for wrong in ({"tensor_parallel": 3}, {"strategy": "tensor_parallel"}, {"accelerator": "gpu", "devices": 10**3}):
        with pytest.raises(BadInput):
            machine_of(recipe(machine={**keys, **wrong}))
