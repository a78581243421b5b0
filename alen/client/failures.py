"""What goes wrong with a server, as the errors that the same thing raises in this process."""

from __future__ import annotations

import json
from typing import Any

from alen import errors
from alen.errors import AlenError, BadInput, ServerFailed
from alen.http import one_line

KEY_HINT = "Put the key into the environment variable ALEN_API_KEY."
IS_IT_ALEN = "Is it the URL of a server that alen serve started, and of this version?"


def failure(base: str, status: int, raw: bytes, key: str | None) -> AlenError:
    """Of a reply that is not 2xx."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    return told(base, status, found, key) or failed(base, f"answered {status}: {one_line(raw, key)!r}", IS_IT_ALEN)


def told(base: str, status: int, found: Any, key: str | None) -> AlenError | None:
    """Of an error in the shape of OpenAI's; None when it is in another."""
    error = found.get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict):
        return None
    said = one_line(str(error.get("message")), key)
    if status == 401:
        given = "no key" if key is None else "a key that this server did not give out"
        return BadInput("api_key", given, f"a key of {base}", KEY_HINT)
    if status == 413:
        return BadInput("request", f"more than {base} takes", said, "Give it in smaller parts.")
    if status == 429:
        return failed(base, f"has too much to do: {said}", "Try again later.")
    alen = error.get("alen")
    known = errors.from_json(alen) if isinstance(alen, dict) else None
    hint = "Its log may tell more." if status >= 500 else IS_IT_ALEN
    return known or failed(base, f"answered {status}: {said}", hint)


def failed(base: str, what: str, hint: str) -> ServerFailed:
    return ServerFailed(f"The server {base} {what.rstrip('.')}.", hint)
