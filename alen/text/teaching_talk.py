"""Teaching what people wrote to each other: mailboxes and chat logs become episodes, stored as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.text.chat_log import read_chat
from alen.text.mailbox import read_mailbox
from alen.types import Skipped

if TYPE_CHECKING:
    from alen.text.teaching import Tally, Taught

AT_ONCE = 512
"""Messages that are read and stored together, so that a mailbox need not fit into memory."""

Talk = Iterator[dict[str, Any] | Skipped]


def rows(mailbox: str | Path | None, chat: str | Path | None, source: str | None) -> Talk:
    """Episodes of a mailbox and a chat log, from ``source`` when it is given and else from who said it. That there is
    at least one message is checked here, the rest of a mailbox as it is read."""
    said: list[Talk] = []
    if mailbox is not None:
        letters = read_mailbox(mailbox)
        said.append(chain([next(letters)], letters))
    if chat is not None:
        said.append(iter(read_chat(chat)))
    everything = chain.from_iterable(said)
    return everything if source is None else (_from(source, row) for row in everything)


def _from(source: str, row: dict[str, Any] | Skipped) -> dict[str, Any] | Skipped:
    return row if isinstance(row, Skipped) else row | {"source": source}


def teach(memory: Taught, talk: Talk, tally: Tally, progress: Callable[[str, int, int], None] | None) -> None:
    done = 0
    while part := list(islice(talk, AT_ONCE)):
        tally.skipped += [row for row in part if isinstance(row, Skipped)]
        tally.add(memory.remember_many([row for row in part if not isinstance(row, Skipped)]))
        done += len(part)
        if progress:
            progress("teaching messages", done, 0)
