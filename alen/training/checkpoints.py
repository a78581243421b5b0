"""Checkpoints: everything that a run needs to go on as if it had never stopped, each whole or not there at all.

A checkpoint is a folder ``step-00000100`` with the state (a file, or a folder of parts when the model is spread over
devices) and a manifest that says of which recipe it is and what its files hash to.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch import LightningModule, Trainer

from alen.errors import BadInput, CorruptWeights, WorkError
from alen.training.after_step import AfterStep
from alen.training.recipe import TrainingRecipe

MANIFEST = "alen-checkpoint.json"
FORMAT = 1
STATE = "state"

FREE = {
    *("out", "data", "steps", "epochs", "tokens", "minutes", "schedule", "machine", "compile"),
    *("validate_every", "checkpoints", "early_stopping", "monitor", "gradient_checkpointing"),
}
"""Keys that a run may go on with otherwise; data says itself whether it is the same."""


class StateFile(CheckpointIO):
    """Straight to the file: Lightning's own makes a copy of the whole state in memory first."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        torch.save(checkpoint, path)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return found

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


class Checkpoints(AfterStep):
    """Writes one every so many steps and after the last into ``folder``; ``about`` goes into the manifest."""

    def __init__(self, recipe: TrainingRecipe, folder: Path, about: dict[str, Any]) -> None:
        self.recipe, self.folder, self.about = recipe, folder, about
        self.last = -1
        """The step that was saved last."""

    def after_step(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.global_step % self.recipe.checkpoints.every == 0 or trainer.global_step == trainer.max_steps:
            self.save(trainer)

    def save(self, trainer: Trainer) -> Path:
        """On all processes at once, after a step. Raises WorkError when it cannot be written."""
        self.last = step = trainer.global_step
        whole = self.folder / f"step-{step:08d}"
        partial = self.folder / f".partial-{step:08d}"
        try:
            partial.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(partial / STATE)
            if trainer.is_global_zero:
                manifest = {"format": FORMAT, "step": step, **self.about, "files": _facts(partial)}
                (partial / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
                shutil.rmtree(whole, ignore_errors=True)
                os.replace(partial, whole)
                for old in checkpoints(self.folder)[: -self.recipe.checkpoints.keep]:
                    shutil.rmtree(old)
        except (OSError, RuntimeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise WorkError(
                f"{whole}: {' '.join(str(error).split())[:200]}.",
                "The checkpoint was not written; the one before is whole. Make room, and run the same command again.",
            ) from error
        trainer.strategy.barrier()
        return whole


def checkpoints(folder: Path) -> list[Path]:
    """Those in ``folder``, the newest last."""
    return sorted(path.parent for path in folder.glob(f"step-*/{MANIFEST}"))


def about(recipe: TrainingRecipe, config: dict[str, Any], labels: int | None) -> dict[str, Any]:
    """What a manifest says of a run."""
    return {"recipe": recipe.model_dump(mode="json"), "config": config, "labels": labels}


def state_of(checkpoint: Path, recipe: TrainingRecipe) -> Path:
    """What Lightning resumes from. Raises CorruptWeights when it is not as it was written, BadInput for that of another
    recipe."""
    manifest = read_manifest(checkpoint)
    mine, theirs = recipe.model_dump(mode="json"), manifest["recipe"]
    for name in mine.keys() - FREE:
        if mine[name] != theirs.get(name):
            raise BadInput(
                name,
                f"{mine[name]!r}, and a checkpoint in {checkpoint.parent} of a run with {theirs.get(name)!r}",
                "the recipe that the run began with",
                "Set it back, choose another folder with --out, or start again with --fresh.",
            )
    return checkpoint / STATE


def read_manifest(checkpoint: Path) -> dict[str, Any]:
    """Raises CorruptWeights naming the file that is missing or changed."""
    again = f"Delete {checkpoint} to go on from the checkpoint before it, or start again with --fresh."
    file = checkpoint / MANIFEST
    try:
        manifest = json.loads(file.read_text("utf-8"))
        if manifest["format"] != FORMAT:
            raise CorruptWeights(f"{file}: format {manifest['format']!r}, this version reads {FORMAT}.", "Update ALEN.")
        wanted = manifest["files"]
        there = _facts(checkpoint)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptWeights(f"{file}: not a checkpoint of ALEN ({error}).", again) from None
    for name in wanted:
        if there.get(name) != wanted[name]:
            raise CorruptWeights(f"{checkpoint / name}: {'changed' if name in there else 'missing'}.", again)
    return dict(manifest)


def _facts(folder: Path) -> dict[str, Any]:
    """Size and hash of each file, by its path."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST):
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": digest}
    return found
