"""The engine: memory, models and reasoning meet here, and nowhere else."""

from alen.engine.engine import Engine

__all__ = ["Engine"]
