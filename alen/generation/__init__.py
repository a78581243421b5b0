"""Loops over tokens: configuration, sampling, decoding, streaming. Names load on first use: torch comes with them."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "GenerationConfig": "alen.generation.config",
    "StopScanner": "alen.generation.stopping",
    "TextGenerator": "alen.generation.text_generator",
    "TextStream": "alen.generation.text_generator",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
