"""What tests of training share: one thread for models too small for two, and recipes of a few steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from alen.training.recipe import TrainingRecipe
from tests.training.made_rows import WORDS

SHAPE = {
    "vocab_size": WORDS,
    "d_model": 32,
    "num_layers": 2,
    "max_seq_len": 32,
    "dropout": 0.1,
    "attention": {"dropout": 0.0},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., TrainingRecipe]:
    """``recipe(steps=8, …)``: alen-micro, made small, in float32, with the keys given."""

    def make(**keys: Any) -> TrainingRecipe:
        few = {"every": 1, "tensorboard": False, "picture": False}
        values: dict[str, Any] = {
            "model": {"preset": "alen-micro", "overrides": SHAPE},
            "out": tmp_path / "run",
            "batch": 4,
            "precision": "32",
            "monitor": few,
            "optimizer": {"lr": 1e-2},
        }
        if not keys.keys() & {"epochs", "tokens", "minutes"}:
            values["steps"] = 6
        return TrainingRecipe.parse({**values, **keys})

    return make
