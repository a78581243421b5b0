"""Architectures by name: the transformer, those that a decorator adds, and those that installed packages bring.

An architecture is a module built from a configuration with ``forward(tokens_BT) -> logits_BTV``. A package brings one
by an entry point of the group ``alen.architectures`` that names a module or class; loading it runs its decorator.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from torch import nn

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.config_errors import bad_input
from alen.neural.transformer import Transformer

GROUP = "alen.architectures"

_Model = TypeVar("_Model", bound=type[nn.Module])


@dataclass(frozen=True, slots=True)
class Architecture:
    """``build`` makes a model of a ``config``."""

    name: str
    config: type[BaseModel]
    build: Callable[[Any], nn.Module]


_KNOWN: dict[str, Architecture] = {}


def architecture(name: str, config: type[BaseModel]) -> Callable[[_Model], _Model]:
    """Class decorator: make the model known under ``name``. Raises BadInput when another one has that name."""

    def register(model: _Model) -> _Model:
        known = _KNOWN.get(name)
        if known is not None and known.build is not model:
            raise BadInput("architecture", repr(name), "a name that is not taken", "Choose another name.")
        _KNOWN[name] = Architecture(name, config, model)
        return model

    return register


def names() -> tuple[str, ...]:
    """All that can be built, those of packages included whether or not they have been loaded."""
    return tuple(sorted({*_KNOWN, *(point.name for point in entry_points(group=GROUP))}))


def find(name: str) -> Architecture:
    """Raises BadInput with the nearest name."""
    if name not in _KNOWN:
        for point in entry_points(group=GROUP, name=name):
            point.load()
    if name not in _KNOWN:
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Install the package that brings it."
        raise BadInput("architecture", repr(name), ", ".join(names()), hint)
    return _KNOWN[name]


def build(name: str, config: dict[str, Any] | BaseModel) -> nn.Module:
    """A model with fresh weights. Raises BadInput for an unknown name or a wrong field."""
    found = find(name)
    if isinstance(config, dict):
        try:
            config = found.config(**config)
        except ValidationError as error:
            raise bad_input(found.config, error) from None
    return found.build(config)


architecture("transformer", TransformerConfig)(Transformer)
