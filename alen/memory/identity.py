"""What makes two texts the same thing to memory: normalised forms, content hashes, and ids that sort by time."""

from __future__ import annotations

import hashlib
import os
import time
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta

from alen.errors import BadInput


def normalised(text: str) -> str:
    """Compatibility characters unified, case folded, runs of white space made one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normalised_question(question: str) -> str:
    """As ``normalised``, without the marks that end a question: "Where is it ?" and "where is it" are the same."""
    return normalised(question).rstrip(" ?!.。？！").lstrip(" ¿¡")


def checked_text(field: str, value: object, *, empty: bool = False) -> str:
    """The text itself. Raises BadInput for what is none, is blank, or cannot be stored: half characters and zeros."""
    if not isinstance(value, str) or not (empty or value.strip()):
        raise BadInput(field, repr(value)[:80], "a text with at least one letter or digit", f"Write the {field}.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput(field, "half a character", "whole ones", "Read the text with its encoding.") from None
    if "\0" in value:
        raise BadInput(field, "a zero byte", "a text without one", "Read the text with its encoding.")
    return value


def content_hash(*parts: str | None) -> bytes:
    """SHA-256 of the parts, each kept apart from the next; a missing part differs from an empty one."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"-" if part is None else b"+")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.digest()


def episode_hash(question: str, answer: str | None, context: str | None) -> bytes:
    return content_hash(*(None if part is None else normalised(part) for part in (question, answer, context)))


def question_hash(question: str) -> bytes:
    return content_hash(normalised_question(question))[:16]


def answer_hash(answer: str) -> bytes:
    return content_hash(normalised(answer).rstrip(" ."))[:16]


def new_uid() -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def later(seconds: float) -> str:
    """As ``now``, so many seconds from it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
