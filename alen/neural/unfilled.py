"""A model that has every shape and no memory: to be filled from a file, or to be counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer


class _NoInitialisation(TorchFunctionMode):
    """On the meta device, initialisers draw nothing but load torch's compiler, which takes over a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def without_initialisation() -> TorchFunctionMode:
    """To be entered together with the meta device."""
    return _NoInitialisation()


def unfilled(config: TransformerConfig) -> Transformer:
    """The transformer on the meta device."""
    with torch.device("meta"), without_initialisation():
        return Transformer(config)
