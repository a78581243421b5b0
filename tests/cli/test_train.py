"""``alen train``: a text file becomes a model by a recipe; what is wrong is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Ran

Alen = Callable[..., Ran]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of a few steps on a page of text."""
    pytest.importorskip("alen.training.data")
    text = "The kiln fires stoneware. The barometer falls before rain, and the harbour closes its gate.\n"
    (tmp_path / "text.txt").write_text("".join(f"{number}. {text}" for number in range(300)), "utf-8")
    values = {
        "model": {"preset": "alen-micro", "overrides": {"d_model": 32}},
        "data": {"train": [str(tmp_path / "text.txt")], "length": 32, "vocab_size": 300},
        "out": str(tmp_path / "run"),
        "steps": 4,
        "batch": 4,
        "monitor": {"tensorboard": False},
    }
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(values), "utf-8")
    return file


def test_a_recipe_becomes_a_model(alen: Alen, recipe: Path, tmp_path: Path) -> None:
    ran = alen("train", recipe, "--json")
    assert ran.code == 0, ran.err
    found = ran.json("train")
    assert (found["steps"], found["tokens"]) == (4, 4 * 4 * 32)
    assert found["validation"]["bits_per_byte"] > 0
    assert {"alen.json", "model.safetensors", "tokenizer.json"} <= {
        file.name for file in Path(found["model"]).iterdir()
    }
    again = alen("train", recipe, "--steps", "6")
    assert "6, " in again.out
    assert "model" in again.out


def test_a_dry_run_trains_nothing(alen: Alen, recipe: Path, tmp_path: Path) -> None:
    found = alen("train", recipe, "--dry-run", "--json").json("train")
    assert found["dry_run"]
    assert found["parameters"]["total"] > 10_000
    shown = alen("train", recipe, "--dry-run", "--size", "small").out
    assert "tokens/s" in shown
    assert not (tmp_path / "run" / "model").exists()


def test_what_is_wrong_is_named(alen: Alen, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    assert alen("train", file, "--json").error(2)["field"] == "recipe"
    file.write_text("model: {preset: alen-micro}\nout: run\nsteps: 3\noptimizer: {lr: 7}\n", "utf-8")
    assert alen("train", file, "--json").error(2)["field"] == "optimizer.lr"
    file.write_text(f"model: {{preset: alen-micro}}\nout: {json.dumps(str(tmp_path / 'run'))}\nsteps: 3\n", "utf-8")
    assert alen("train", file, "--json").error(2)["field"] == "data"
