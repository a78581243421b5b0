"""One question to an HTTP server and its answer, by the standard library alone: benchmarks run in bare environments."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from alen.errors import WorkError


def asked(url: str, body: dict[str, Any] | None = None, *, seconds: float = 600.0) -> tuple[int, bytes]:
    """Status and body of what ``url`` answers: to a POST of JSON, or to a GET where there is no ``body``. No proxy is
    asked. Raises WorkError when nothing answers within ``seconds``."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=seconds)
    try:
        if body is None:
            connection.request("GET", parts.path)
        else:
            connection.request("POST", parts.path, json.dumps(body), {"content-type": "application/json"})
        got = connection.getresponse()
        return got.status, got.read()
    except (OSError, HTTPException) as error:
        raise WorkError(f"{url} does not answer: {error}.", "Check that the server runs there.") from None
    finally:
        connection.close()
