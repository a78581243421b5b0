"""What is read from a damaged row is told as that, and not as a riddle from the inside of a library."""

from __future__ import annotations

import json
from typing import Any

from alen.errors import StoreError


def told(what: str) -> StoreError:
    return StoreError(f"A row of the memory is damaged: {what}.", "See what is left: alen memory verify --repair")


def loads(text: str) -> Any:
    """Of a column that holds JSON. Raises StoreError when it does not."""
    try:
        return json.loads(text)
    except (ValueError, TypeError) as error:
        raise told(f"{str(text)[:40]!r} is no JSON ({error})") from None
