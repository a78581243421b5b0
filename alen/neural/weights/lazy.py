"""A model that is loaded when it is first asked for: what kernels compute needs no second copy of the weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer


class LazyModel:
    """What LoadedModel has, with ``model`` made by ``load`` at first use."""

    def __init__(self, config: TransformerConfig, metadata: dict[str, Any], load: Callable[[], Transformer]) -> None:
        self.config, self.metadata = config, metadata
        self._load, self._lock = load, threading.Lock()

    @property
    def model(self) -> Transformer:
        with self._lock:
            return self._made

    @cached_property
    def _made(self) -> Transformer:
        return self._load()
