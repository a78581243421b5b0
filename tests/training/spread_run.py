"""Runs that Lightning starts again in a second process: ``python -m tests.training.spread_run RECIPE.json…``.

Each is made whole, and once more from its checkpoint in the middle."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import MadeRows


def main(files: list[str]) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for file in files:
        recipe = TrainingRecipe.parse(json.loads(Path(file).read_text("utf-8")))
        for name in ("whole", "again"):
            found = train(recipe, data=(MadeRows(recipe.batch), None))
            if found.model is not None:
                told = {**found.to_json(), "losses": found.monitor.train_loss, "norms": found.monitor.gradient_norms}
                told["model"] = str(found.model.rename(recipe.out / name))
                last = recipe.out / "checkpoints" / f"step-{recipe.steps:08d}"
                last.rename(recipe.out / f"last-{name}")
                recipe.out.joinpath(f"{name}.json").write_text(json.dumps(told), "utf-8")
            torch.distributed.barrier()


if __name__ == "__main__":
    main(sys.argv[1:])
