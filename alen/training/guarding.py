"""What stands around a run of Lightning's: advice kept quiet, short memory told in words of a recipe."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alen.errors import WorkError
from alen.training.dry_run import Plan, smaller
from alen.training.recipe import TrainingRecipe

_LOGGERS = ("lightning.pytorch", "lightning.fabric")


@contextmanager
def memory_told(recipe: TrainingRecipe, found: Plan) -> Iterator[None]:
    """Raises WorkError that names what to change when memory is short."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        hint = smaller(recipe, found.activations > found.bytes / 2)
        raise WorkError(f"Memory is short: {found.bytes / 2**30:.1f} GiB a device were expected.", hint) from error


def is_out_of_memory(error: Exception) -> bool:
    """The allocator of a CPU has no error of its own."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning advises against what is meant so here, and tells what the monitor tells."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        # Norms of queries and keys in mixed precision: computed in float32, as is meant.
        warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
