"""JSON that every reader accepts: one line, and no number that JSON lacks."""

from __future__ import annotations

import json
import math
from typing import Any


def json_line(value: Any) -> str:
    """One line of JSON. Numbers that JSON lacks (NaN, infinities) become null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
