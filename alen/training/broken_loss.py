"""A loss that is no number: the batch is kept, and the run ends with a clear word."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from safetensors.torch import save_file

from alen.errors import WorkError
from alen.training.objective import Batch


def stop(batch: Batch, step: int, folder: Path) -> NoReturn:
    """Write ``batch`` as safetensors into ``folder``. Raises WorkError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"broken-batch-{step}.safetensors"
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in batch.items()}, file)
    raise WorkError(
        f"The loss of step {step} is not a number; its batch is in {file}.",
        "Lower optimizer.lr, lengthen schedule.warm_up, set precision to 32, or look at the batch; the last checkpoint"
        " is from before it.",
    )
