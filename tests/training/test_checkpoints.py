"""A run that was killed goes on as if it had not been; a checkpoint of another run, or a damaged one, is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from alen.errors import BadInput, CorruptWeights, WorkError
from alen.training.checkpoints import MANIFEST, STATE, checkpoints
from alen.training.exporting import export_checkpoint
from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import MadeRows

Recipe = Callable[..., TrainingRecipe]

LONG = {"steps": 40, "validate_every": 7, "checkpoints": {"every": 5, "keep": 2}, "monitor": {"every": 3}}
"""Longer than two epochs of 16 steps; neither a validation nor a line of the monitor falls on a checkpoint."""

KILLED = """
import json, sys
from pathlib import Path
import torch
from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import MadeRows
torch.set_num_threads(1)
recipe = TrainingRecipe.parse(json.loads(Path(sys.argv[1]).read_text()))
class Slow(MadeRows):
    def on_after_batch_transfer(self, batch, dataloader_idx):
        import time
        time.sleep(0.03)
        return batch
Slow.__qualname__ = "MadeRows"  # the name that a checkpoint keeps the position under
train(recipe, data=(Slow(), None))
"""


def _state(run: Path) -> dict[str, Any]:
    return torch.load(checkpoints(run / "checkpoints")[-1] / STATE, weights_only=True)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_killed_in_mid_epoch_it_goes_on_bit_for_bit(recipe: Recipe, tmp_path: Path, optimizer: str) -> None:
    options = {**LONG, "optimizer": {"kind": optimizer, "lr": 1e-2}}
    whole = train(recipe(**options, out=tmp_path / "whole"), data=(MadeRows(), None))
    made = recipe(**options, out=tmp_path / "killed")
    (tmp_path / "recipe.json").write_text(made.model_dump_json(), "utf-8")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "recipe.json")]
    root = Path(__file__).resolve().parents[2]
    running = subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    try:
        until = time.monotonic() + 120
        # Far enough to be in the second epoch, and not at its end.
        while not any(int(path.name[5:]) >= 20 for path in checkpoints(made.out / "checkpoints")):
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    begun = int(checkpoints(made.out / "checkpoints")[-1].name[5:])
    assert 20 <= begun < 32
    gone_on = train(made, data=(MadeRows(), None))
    assert gone_on.steps == 40
    one, other = _state(tmp_path / "whole"), _state(tmp_path / "killed")
    for part in ("state_dict", "optimizer_states", "MadeRows", "global_step", "epoch"):
        assert _equal(one[part], other[part]), part
    assert _equal(load_file(whole.model / "model.safetensors"), load_file(gone_on.model / "model.safetensors"))
    for name in ("steps", "train_loss", "learning_rates", "gradient_norms", "val_steps", "val_loss"):
        assert getattr(whole.monitor, name) == getattr(gone_on.monitor, name), name
    steps = [
        [row.split(",")[0] for row in (run / "metrics.csv").read_text().splitlines()]
        for run in (tmp_path / "whole", tmp_path / "killed")
    ]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("stopped", [16, 21])
def test_stopped_between_or_within_epochs_it_goes_on_bit_for_bit(recipe: Recipe, tmp_path: Path, stopped: int) -> None:
    options = {**LONG, "accumulate": 2, "checkpoints": {"every": stopped, "keep": 9}}
    whole = train(recipe(**options, out=tmp_path / "whole"), data=(MadeRows(), None))
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    for later in checkpoints(tmp_path / "part" / "checkpoints")[1:]:
        shutil.rmtree(later)
    gone_on = train(recipe(**options, out=tmp_path / "part"), data=(MadeRows(), None))
    assert _equal(_state(tmp_path / "whole")["state_dict"], _state(tmp_path / "part")["state_dict"])
    assert gone_on.monitor.train_loss == whole.monitor.train_loss
    assert gone_on.monitor.val_loss == whole.monitor.val_loss
    assert gone_on.tokens == whole.tokens


def test_a_finished_run_is_not_run_again_and_a_fresh_one_begins_anew(recipe: Recipe) -> None:
    first = train(recipe(), data=(MadeRows(), None))
    again = train(recipe(), data=(MadeRows(), None))
    assert again.monitor.train_loss == first.monitor.train_loss
    longer = train(recipe(steps=8), data=(MadeRows(), None))
    assert longer.monitor.steps == list(range(1, 9))
    assert longer.monitor.train_loss[:6] == first.monitor.train_loss
    fresh = train(recipe(), data=(MadeRows(), None), resume=False)
    assert fresh.monitor.train_loss == first.monitor.train_loss
    assert [path.name for path in checkpoints(recipe().out / "checkpoints")] == ["step-00000006"]


def test_a_damaged_checkpoint_is_refused_by_name(recipe: Recipe) -> None:
    train(recipe(), data=(MadeRows(), None))
    newest = checkpoints(recipe().out / "checkpoints")[-1]
    with (newest / STATE).open("r+b") as file:
        file.seek(-2000, os.SEEK_END)
        file.write(b"\xff" * 8)
    with pytest.raises(CorruptWeights, match="state: changed") as refused:
        train(recipe(), data=(MadeRows(), None))
    assert "--fresh" in refused.value.hint
    (newest / STATE).unlink()
    with pytest.raises(CorruptWeights, match="state: missing"):
        train(recipe(), data=(MadeRows(), None))
    (newest / MANIFEST).write_text("{", "utf-8")
    with pytest.raises(CorruptWeights, match="not a checkpoint of ALEN"):
        train(recipe(), data=(MadeRows(), None))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("optimizer", {"optimizer": {"lr": 2e-2}}),
        ("batch", {"batch": 2}),
        ("model", {"model": {"preset": "gpt2-tiny", "overrides": {"vocab_size": 64}}}),
        ("seed", {"seed": 1}),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(recipe: Recipe, key: str, values: dict[str, Any]) -> None:
    train(recipe(), data=(MadeRows(), None))
    with pytest.raises(BadInput) as refused:
        train(recipe(**values), data=(MadeRows(values.get("batch", 4)), None))
    assert refused.value.field == key
    assert "--fresh" in refused.value.hint


def test_a_folder_of_something_else_is_no_checkpoint(recipe: Recipe) -> None:
    other = recipe().out / "checkpoints" / "step-00000003"
    other.mkdir(parents=True)
    (other / MANIFEST).write_text('{"format": 9, "files": {}}', "utf-8")
    with pytest.raises(CorruptWeights, match="format 9"):
        train(recipe(), data=(MadeRows(), None))


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = torch.save

    def full(state: dict[str, Any], path: Any) -> None:
        if state["global_step"] == 4:
            raise OSError(28, "No space left on device")
        written(state, path)

    monkeypatch.setattr(torch, "save", full)
    made = recipe(checkpoints={"every": 2})
    with pytest.raises(WorkError, match="No space left") as stopped:
        train(made, data=(MadeRows(), None))
    assert "the one before is whole" in stopped.value.hint
    assert [path.name for path in checkpoints(made.out / "checkpoints")] == ["step-00000002"]
    assert not list((made.out / "checkpoints").glob(".partial*"))
    monkeypatch.setattr(torch, "save", written)
    assert train(made, data=(MadeRows(), None)).steps == 6


def test_a_checkpoint_becomes_the_folder_of_its_model(recipe: Recipe, tmp_path: Path) -> None:
    found = train(recipe(), data=(MadeRows(), None))
    folder = export_checkpoint(checkpoints(recipe().out / "checkpoints")[-1], tmp_path / "exported")
    assert found.model is not None
    assert _equal(load_file(folder / "model.safetensors"), load_file(found.model / "model.safetensors"))
