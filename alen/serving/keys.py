"""Who may do what: API keys, each bound to a namespace. A key is kept as its digest and never logged."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from alen.errors import BadInput, RequestError


class NotAllowed(RequestError):
    """No key, or one that nobody gave out."""


class TooMany(RequestError):
    """More requests than the key may make; the next one in ``seconds``."""

    seconds = 1


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a key belongs to: ``namespace``, and requests a minute, 0 without a limit."""

    name: str
    namespace: str
    per_minute: int = 0

    def __post_init__(self) -> None:
        """Raises TypeError."""
        if not all(isinstance(text, str) and text for text in (self.name, self.namespace)):
            raise TypeError("name and namespace are texts")
        if isinstance(self.per_minute, bool) or not isinstance(self.per_minute, int) or self.per_minute < 0:
            raise TypeError("per_minute is a whole number")


@dataclass(slots=True)
class Keys:
    """Without any key everyone is the one ``open`` holder."""

    open: Holder
    digests: dict[str, Holder] = field(default_factory=dict)
    _spent: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def read(cls, path: Path, open: Holder) -> Keys:
        """A JSON file: ``{"KEY": {"name", "namespace", "per_minute"?}}``. Raises BadInput naming the file and entry."""
        try:
            data: Any = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput("keys", f"{path}: {error}", "a JSON file of keys", "See docs/serving.md.") from None
        if not isinstance(data, dict) or not data:
            raise BadInput("keys", f"{path}: no keys", 'an object {"KEY": {"name", "namespace"}}', "Add one.")
        made = cls(open)
        for place, (key, entry) in enumerate(data.items()):
            where = f"{path}, entry {place + 1}"
            if len(key) < 16:
                raise BadInput("keys", f"{where}: a key of {len(key)} characters", "16 or more", "Make a longer one.")
            try:
                made.digests[_digest(key)] = Holder(**entry)
            except TypeError as error:
                raise BadInput("keys", f"{where}: {error}", "name, namespace and per_minute", "Correct it.") from None
        return made

    def holder(self, header: str | None) -> Holder:
        """Of ``Authorization: Bearer KEY``. Raises NotAllowed, TooMany."""
        if not self.digests:
            return self.open
        scheme, _, key = (header or "").partition(" ")
        digest = _digest(key.strip()) if scheme.lower() == "bearer" else ""
        found = next((holder for known, holder in self.digests.items() if hmac.compare_digest(known, digest)), None)
        if found is None:
            raise NotAllowed("Authorization", "no key that was given out", "Bearer and a key", "Ask for one.")
        self._count(digest, found)
        return found

    def _count(self, digest: str, holder: Holder) -> None:
        """A bucket that fills at the allowed rate and holds a minute's worth."""
        if not holder.per_minute:
            return
        now = time.monotonic()
        with self._lock:
            left, at = self._spent.get(digest, (float(holder.per_minute), now))
            left = min(float(holder.per_minute), left + (now - at) * holder.per_minute / 60)
            if left < 1:
                found, allowed = "one request more", f"{holder.per_minute} a minute"
                error = TooMany("Authorization", found, allowed, "Wait a moment.")
                error.seconds = math.ceil((1 - left) * 60 / holder.per_minute)
                raise error
            self._spent[digest] = (left - 1, now)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
