"""How large a language model is and what it has learnt."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from alen.generation.stepper import Stepper
from alen.neural.weights import LoadedModel
from alen.neural.weights.lazy import LazyModel


@dataclass(frozen=True, slots=True)
class ModelStats:
    """``vocab_size`` tokens are known of at most ``max_vocab_size``; ``tokens_seen`` were learnt, those of repeated
    passes counted each time; ``memory_bytes`` is what the weights take as they compute."""

    parameters: int
    vocab_size: int
    max_vocab_size: int
    tokens_seen: int
    memory_bytes: int
    layers: int
    width: int
    context: int

    @property
    def parameters_str(self) -> str:
        """For example 21.1M."""
        return short(self.parameters)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "parameters_str": self.parameters_str}


def short(count: int) -> str:
    """A number of parameters with one digit after the point: 540.0K, 21.1M, 2.0B."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size * 0.99995:
            return f"{count / size:.1f}{unit}"
    return str(count)


def bytes_of(stepper: Stepper, model: LoadedModel | LazyModel) -> int:
    """What the weights take that write."""
    packed = getattr(stepper, "bytes", None)
    if isinstance(packed, int):
        return packed
    return sum(parameter.numel() * parameter.element_size() for parameter in model.model.parameters())
