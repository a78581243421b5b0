"""Mailboxes as episodes: the subject asks, the text answers; who wrote it and when is kept."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text import formats
from alen.types import Skipped

LONGEST_MESSAGE = 100_000
"""Characters of a message; a longer one holds a file, not a letter."""

_ESCAPED = re.compile(r"^>(?=>*From )", re.MULTILINE)
"""What an mbox file does to a line that would look like the beginning of a message."""


def read_mailbox(path: str | Path) -> Iterator[dict[str, Any] | Skipped]:
    """Rows for teaching from an mbox file, one message after another: question is the subject, answer the text, source
    the sender. A message without text, with more than LONGEST_MESSAGE characters, or too damaged to read comes as
    Skipped, named by its number.

    Raises BadInput when there is no message."""
    file = Path(path)
    if not file.is_file():
        raise BadInput("path", str(file), "an mbox file", "Check the path.")
    try:
        box = mailbox.mbox(file, create=False)
    except OSError as error:
        raise BadInput("path", f"{file} ({error.strerror})", "an mbox file", "Check the path.") from None
    number = 0
    try:
        for number, message in enumerate(box, 1):
            try:
                yield _row(message)
            except Exception as error:  # the email library fails in many ways on damaged messages
                yield Skipped(f"{file}, message {number}", str(error) or type(error).__name__)
    finally:
        box.close()
    if not number:
        raise BadInput("path", f"{file}, without a message", "an mbox file", "Check the file.")


def _row(message: Message) -> dict[str, Any]:
    text = _ESCAPED.sub("", _text(message)).strip()
    if not text:
        raise ValueError("no text to learn")
    if len(text) > LONGEST_MESSAGE:
        raise ValueError(f"{len(text):,} characters, more than {LONGEST_MESSAGE:,}")
    sender = _header(message, "From") or "mail"
    return {
        "question": _header(message, "Subject") or "(no subject)",
        "answer": text,
        "source": sender,
        "detail": {"from": sender, "date": _date(message), "message_id": _header(message, "Message-ID")},
    }


def _header(message: Message, name: str) -> str | None:
    value = message.get(name)
    if value is None:
        return None
    try:
        value = str(make_header(decode_header(value)))
    except (LookupError, ValueError):  # an unknown or wrongly applied encoding: as it stands
        value = str(value)
    return " ".join(formats.storable(value).split())


def _date(message: Message) -> str | None:
    try:
        return parsedate_to_datetime(str(message.get("Date"))).isoformat()
    except (TypeError, ValueError):
        return None


def _text(message: Message) -> str:
    """The first part that is written for people; of a message in HTML alone, what a reader sees of it."""
    parts = [part for part in message.walk() if not part.get_filename()]
    for part in parts:
        if part.get_content_type() == "text/plain":
            return formats.storable(_decoded(part)).replace("\r\n", "\n")
    for part in parts:
        if part.get_content_type() == "text/html":
            found = formats.extract("message.html", _decoded(part).encode("utf-8", "replace"))
            return found[0] if found else ""
    return ""


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a character set that nobody knows
        return raw.decode("utf-8", "replace")
