"""What ``presets.yaml`` says, by name."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from alen.errors import BadInput

FILE = Path(__file__).with_name("presets.yaml")


@cache
def entries() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(FILE.read_text("utf-8"))


def entry(name: str) -> dict[str, Any]:
    """Raises BadInput with the nearest name."""
    known = entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Choose one of them or write a configuration."
        raise BadInput("preset", repr(name), ", ".join(known), hint)
    return known[name]
