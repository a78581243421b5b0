"""What every HTTP client of ALEN shares: the library, keys in headers, and how long a busy server wants to be left."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any

from alen.errors import BadInput

CONNECT_SECONDS = 5.0

LONGEST_WAIT = 30.0
"""Seconds; a server that wants to be left alone for longer is not asked again."""

_NUMBER = re.compile(r"\d{1,9}(\.\d+)?")


def library(field: str, otherwise: str) -> Any:
    """httpx2. Raises BadInput naming the ``field`` that needs it, and what can be given ``otherwise``."""
    try:
        return import_module("httpx2")
    except ImportError:
        found = "a URL, for which httpx2 is not installed"
        raise BadInput(field, found, otherwise, "pip install 'alen[remote]'") from None


def checked_key(key: str | None) -> str | None:
    """A key that may stand in a header, None for an empty one. Raises BadInput, without repeating it."""
    key = (key or "").strip()
    if any(not "!" <= character <= "~" for character in key):
        raise BadInput("api_key", "a key with other characters", "letters, digits and ASCII marks", "Copy it again.")
    return key or None


def seconds_asked_for(header: str | None) -> float | None:
    """Retry-After in seconds: a number or a date (RFC 9110, 10.2.3); None when it is neither."""
    if header is None:
        return None
    if _NUMBER.fullmatch(header.strip()):
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((then - datetime.now(UTC)).total_seconds(), 0.0) if then.tzinfo else None


def one_line(said: str | bytes, key: str | None) -> str:
    """One short line of what a server said, without the key, whatever the server does with it."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if key:
        text = text.replace(key, "…")
    return " ".join(text.split())[:300].rstrip(".")
