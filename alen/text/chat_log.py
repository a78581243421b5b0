"""Chat logs as episodes: what was asked, and what was answered."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text import formats
from alen.text.documents import LARGEST_FILE

_ANSWERING = frozenset({"assistant", "model", "bot", "ai"})
_UNHEARD = frozenset({"system", "developer", "tool", "function"})
_MOMENTS = ("timestamp", "created_at", "create_time", "date", "time", "ts")

Turn = tuple[int, str, str, Any]
"""Number of its first message, speaker, text, and when it was said."""


def read_chat(path: str | Path) -> list[dict[str, Any]]:
    """Rows for teaching from a chat log in JSON: a list of messages with role (or speaker, author) and content (or
    text), or an object with them under ``messages``. What one speaker says in several messages is one turn. Where one
    of them is an assistant, each of its turns answers the one before; among people each turn answers the one before.
    Messages of a system or a tool, and those without text that call one, are passed over.

    Raises BadInput naming the message that is wrong."""
    file = Path(path)
    turns = _turns(_messages(file))
    answering = {speaker for _, speaker, _, _ in turns if speaker.lower() in _ANSWERING}
    rows: list[dict[str, Any]] = []
    for (_, _, question, _), (place, speaker, answer, moment) in itertools.pairwise(turns):
        if not answering or speaker in answering:
            detail: dict[str, Any] = {"from": speaker, "message": place}
            if moment is not None:
                detail["date"] = moment
            rows.append({"question": question, "answer": answer, "source": speaker, "detail": detail})
    if not rows:
        raise BadInput("path", f"{file}, in which nothing is answered", "a chat of two at least", "Check the file.")
    return rows


def _messages(file: Path) -> list[Any]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BadInput("path", f"{file}, {file.stat().st_size:,} bytes", f"at most {LARGEST_FILE:,}", "Split it.")
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput("path", f"{file}: {error}", "a chat log in JSON", "Check the file.") from None
    messages = found.get("messages") if isinstance(found, dict) else found
    if not isinstance(messages, list):
        raise BadInput("path", str(file), "a list of messages", "Put them under messages.")
    return messages


def _turns(messages: list[Any]) -> list[Turn]:
    turns: list[Turn] = []
    for place, message in enumerate(messages, 1):
        said = _said(place, message)
        if said is None:
            continue
        speaker, text, moment = said
        if turns and turns[-1][1] == speaker:
            first, _, before, begun = turns.pop()
            turns.append((first, speaker, f"{before}\n\n{text}", begun))
        else:
            turns.append((place, speaker, text, moment))
    return turns


def _said(place: int, message: Any) -> tuple[str, str, Any] | None:
    wrong = BadInput(f"message {place}", str(message)[:60], "an object with role and content", "Correct it.")
    if not isinstance(message, dict):
        raise wrong
    speaker = next((message[name] for name in ("role", "speaker", "author") if message.get(name)), None)
    if not isinstance(speaker, str):
        raise wrong
    if speaker.lower() in _UNHEARD:
        return None
    text = _text(message.get("content") or message.get("text"))
    if not text:
        if message.get("tool_calls") or message.get("function_call"):
            return None
        raise wrong
    moment = next((message[name] for name in _MOMENTS if isinstance(message.get(name), str | int | float)), None)
    return formats.storable(speaker), text, moment


def _text(content: Any) -> str:
    """A text, or the texts among several parts."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        content = "\n\n".join(part for part in parts if isinstance(part, str))
    return formats.storable(content).strip() if isinstance(content, str) else ""
