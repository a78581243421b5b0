"""Recipes: read from YAML, absurd values refused with their key named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alen.cli.train import SIZES as CLI_SIZES
from alen.errors import BadInput
from alen.training.recipe import SIZES, TrainingRecipe, read_recipe
from tests.house.tree import ROOT

LEAST: dict[str, Any] = {"model": {"preset": "alen-micro"}, "out": "run", "steps": 10}


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("optimizer.lr", {"optimizer": {"lr": -1}}),
        ("optimizer.lr", {"optimizer": {"lr": 50}}),
        ("optimizer.kind", {"optimizer": {"kind": "sgd"}}),
        ("batch", {"batch": 0}),
        ("batch", {"batch": 10**9}),
        ("accumulate", {"accumulate": -2}),
        ("steps", {"steps": 0}),
        ("label_smoothing", {"label_smoothing": 1.0}),
        ("clip", {"clip": 0}),
        ("precision", {"precision": "8"}),
        ("task", {"task": "diffusion"}),
        ("schedule.kind", {"schedule": {"kind": "stairs"}}),
        ("schedule.floor", {"schedule": {"floor": 2}}),
        ("machine.devices", {"machine": {"devices": 0}}),
        ("machine.strategy", {"machine": {"strategy": "horovod"}}),
        ("machine", {"machine": {"tensor_parallel": 2}}),
        ("checkpoints.every", {"checkpoints": {"every": 0}}),
        ("monitor.prometheus", {"monitor": {"prometheus": 70000}}),
        ("early_stopping.patience", {"early_stopping": {"patience": 0}}),
        ("model", {"model": {"preset": "alen-micro", "pretrained": "smollm2-135m-instruct"}}),
        ("model", {"model": {}}),
        ("learning_rate", {"learning_rate": 1e-3}),
        ("recipe", {"epochs": 2}),
        ("recipe", {"steps": None}),
        ("recipe", {"schedule": {"warm_up": 50}}),
        ("recipe", {"steps": None, "minutes": 1, "schedule": {"warm_up": 5}}),
        ("recipe", {"lora": {"rank": 4}}),
        ("recipe", {"freeze_embeddings": True}),
        ("recipe", {"r_drop": 1.0}),
        ("r_drop", {"r_drop": -1.0, "task": "classification"}),
        ("out", {"out": None}),
        ("seed", {"seed": -1}),
    ],
)
def test_absurd_values_are_refused_with_their_key(key: str, values: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        TrainingRecipe.parse({**LEAST, **values})
    assert refused.value.field == key


def test_a_misspelt_key_gets_the_nearest_name() -> None:
    with pytest.raises(BadInput, match="Did you mean label_smoothing"):
        TrainingRecipe.parse({**LEAST, "label_smoothng": 0.1})


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    with pytest.raises(BadInput, match="No such file"):
        read_recipe(file)
    for text in ("[1, 2]", "a: [", "\x00"):
        file.write_text(text, "utf-8")
        with pytest.raises(BadInput) as refused:
            read_recipe(file)
        assert refused.value.field == "recipe"


def test_size_steps_and_folder_take_the_place_of_the_recipes(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("model: {preset: bert-tiny}\nout: there\nminutes: 3\nprecision: 32\n", "utf-8")
    found = read_recipe(file, size="small", steps=7, out=tmp_path)
    assert (found.model.preset, found.steps, found.minutes, found.out) == ("alen-small", 7, None, tmp_path)
    assert found.precision == "32"


def test_the_command_knows_the_sizes() -> None:
    """It lists them itself, so that its help loads nothing."""
    assert CLI_SIZES == SIZES


def test_shipped_recipes_are_read() -> None:
    pytest.importorskip("alen.training.data.recipe")
    files = sorted((ROOT / "configs" / "training").glob("*.yaml"))
    assert len(files) == 7
    for file in files:
        assert read_recipe(file).data is not None
