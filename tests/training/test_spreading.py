"""Two processes train what one would: DDP, FSDP and tensor parallelism on a CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from alen.training.checkpoints import checkpoints
from alen.training.exporting import export_checkpoint
from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.house.tree import ROOT
from tests.training.made_rows import MadeRows

Recipe = Callable[..., TrainingRecipe]

SHAPE = {
    "vocab_size": 64,
    "d_model": 32,
    "num_layers": 2,
    "max_seq_len": 32,
    "dropout": 0.0,
    "attention": {"dropout": 0.0},
}
OPTIONS: dict[str, Any] = {
    "steps": 6,
    "checkpoints": {"every": 3, "keep": 9},
    "optimizer": {"lr": 1e-3, "eps": 1e-5},
    "precision": "32",
    "monitor": {"every": 1, "tensorboard": False, "picture": False},
}
"""Adam with a small eps makes a whole step of a rounding error, where a gradient is nearly nothing."""

STRATEGIES = {
    "ddp": "alen-micro",
    "fsdp": "gpt2-tiny",
    "tensor_parallel": "alen-micro",
    "fsdp+tensor_parallel": "smollm2-135m",
}


def _model(strategy: str) -> dict[str, Any]:
    shape: dict[str, Any] = {**SHAPE, "ffn": {"hidden_dim": 48}}
    if STRATEGIES[strategy] != "alen-micro":
        shape["attention"] = {"num_heads": 4, "dropout": 0.0}
    if STRATEGIES[strategy] == "smollm2-135m":
        shape["attention"] = {**shape["attention"], "num_kv_heads": 2}
    return {"preset": STRATEGIES[strategy], "overrides": shape}


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each strategy's run, all made by the same two processes: to start them takes longest."""
    folder = tmp_path_factory.mktemp("spread")
    files, folders = [], {}
    for strategy in STRATEGIES:
        shared = "tensor_parallel" in strategy
        made = TrainingRecipe.parse(
            {
                **OPTIONS,
                "model": _model(strategy),
                # The same rows make a step, whether two processes have half of them each or all of them both.
                "batch": 4 if shared else 2,
                "out": folder / strategy,
                "machine": {
                    "accelerator": "cpu",
                    "devices": 2,
                    "strategy": strategy,
                    "tensor_parallel": 2 if shared else 1,
                },
            }
        )
        files.append(folder / f"{strategy}.json")
        files[-1].write_text(made.model_dump_json(), "utf-8")
        folders[strategy] = made.out
    command = [sys.executable, "-m", "tests.training.spread_run", *map(str, files)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_processes_are_as_one(recipe: Recipe, tmp_path: Path, spread: dict[str, Path], strategy: str) -> None:
    whole = train(recipe(**OPTIONS, model=_model(strategy), batch=4, out=tmp_path / "one"), data=(MadeRows(4), None))
    told, again = (json.loads((spread[strategy] / f"{name}.json").read_text("utf-8")) for name in ("whole", "again"))
    assert told["losses"] == pytest.approx(whole.monitor.train_loss, abs=1e-5)
    assert told["norms"] == pytest.approx(whole.monitor.gradient_norms, rel=1e-4)
    assert told["validation"]["val_loss"] == pytest.approx(whole.validation["val_loss"], abs=1e-5)
    assert told["tokens"] == whole.tokens
    assert whole.model is not None
    mine, theirs = load_file(whole.model / "model.safetensors"), load_file(Path(told["model"]) / "model.safetensors")
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-5, rtol=0)
    # A checkpoint in parts becomes a folder too, and a run goes on from one.
    (first,) = checkpoints(spread[strategy] / "checkpoints")
    assert first.name == "step-00000003"
    last = spread[strategy] / "last-whole"
    exported = load_file(export_checkpoint(last, tmp_path / "exported") / "model.safetensors")
    assert all(torch.equal(exported[name], theirs[name]) for name in theirs)
    assert again["losses"] == pytest.approx(told["losses"], abs=1e-6)
    gone_on = load_file(Path(again["model"]) / "model.safetensors")
    for name, tensor in theirs.items():
        torch.testing.assert_close(gone_on[name], tensor, atol=1e-6, rtol=0)
