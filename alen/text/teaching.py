"""Teaching: read what is given, cut it into passages, hand it to a memory. What is named is checked before anything is
stored; a folder is read file by file, and a file in it that cannot be read is reported."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from alen.errors import BadInput
from alen.text import documents, teaching_talk
from alen.types import PassageDraft, Skipped, TeachReport

Progress = Callable[[str, int, int], None]
Rows = str | Path | Sequence[dict[str, Any]]

MOST_FILES = 10_000
"""Of one call. A folder with more is rather a disk, and was hardly meant."""


class Taught(Protocol):
    """All that is needed of a memory."""

    def teach_passages(
        self, source: str, drafts: Sequence[PassageDraft], *, content_hash: str, progress: Progress | None = None
    ) -> TeachReport: ...

    def remember_many(
        self, rows: Sequence[dict[str, Any]], *, source: str = "user", progress: Progress | None = None
    ) -> TeachReport: ...


@dataclass
class Tally:
    """What was done so far."""

    stored: int = 0
    duplicates: int = 0
    retired: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, report: TeachReport) -> None:
        self.stored += report.stored
        self.duplicates += report.duplicates
        self.retired += report.retired


@dataclass(frozen=True)
class _Document:
    source: str
    drafts: list[PassageDraft]
    content_hash: str


def teach(
    memory: Taught,
    text: str | None,
    *,
    paths: Sequence[str | Path] = (),
    qa: Rows | None = None,
    passages: Rows | None = None,
    mailbox: str | Path | None = None,
    chat: str | Path | None = None,
    source: str | None = None,
    progress: Progress | None = None,
) -> TeachReport:
    """See Engine.teach."""
    begun = time.perf_counter()
    if isinstance(paths, str | Path):
        paths = [paths]
    if not paths and all(given is None for given in (text, qa, passages, mailbox, chat)):
        allowed = "text, paths, qa, passages, mailbox or chat"
        raise BadInput("input", "nothing to teach", allowed, "Give at least one of them.")
    tally = Tally()
    single, inside = _files(paths, tally)
    found = [_file(path) for path in single]
    if text is not None:
        found.append(_text(text, source))
    if passages is not None:
        found.append(_passages(passages, source))
    pairs = None if qa is None else _pairs(qa)
    talk = teaching_talk.rows(mailbox, chat, source)
    total = len(found) + len(inside)
    for place, document in enumerate(_all(found, inside, tally)):
        if progress:
            progress("teaching", place, total)
        report = memory.teach_passages(
            document.source,
            document.drafts,
            content_hash=document.content_hash,
            progress=progress if total == 1 else None,
        )
        tally.add(report)
    if progress and total:
        progress("teaching", total, total)
    if pairs is not None:
        tally.add(memory.remember_many(pairs, source=source or "user", progress=progress))
    teaching_talk.teach(memory, talk, tally, progress)
    seconds = round(time.perf_counter() - begun, 3)
    return TeachReport(tally.stored, tally.duplicates, tally.retired, seconds, tuple(tally.skipped))


def _files(paths: Sequence[str | Path], tally: Tally) -> tuple[list[Path], list[Path]]:
    """Files that were named, and those inside of folders that were named."""
    single: list[Path] = []
    inside: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            single.append(path)
            continue
        files = list(islice(_inside(path, tally), MOST_FILES + 1))
        if not files:
            raise BadInput("path", f"{path}, a folder without documents", "a file or folder", "Check the path.")
        inside += files
    if len(single) + len(inside) > MOST_FILES:
        raise BadInput("path", f"more than {MOST_FILES:,} files", f"at most {MOST_FILES:,}", "Teach it in parts.")
    return single, inside


def _inside(folder: Path, tally: Tally) -> Iterator[Path]:
    """Files of a kind that can be read, in order; what is hidden stays so, and links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        tally.skipped.append(Skipped(str(error.filename), error.strerror or str(error)))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in documents.READABLE:
                yield Path(place) / name


def _all(found: Sequence[_Document], inside: Sequence[Path], tally: Tally) -> Iterator[_Document]:
    """Files of folders are read one at a time, so that a large folder need not fit into memory.

    Raises BadInput when there is nothing else to teach and none of them can be read."""
    yield from found
    read, first = len(found), None
    for path in inside:
        try:
            document = _file(path)
        except BadInput as error:
            first = first or error
            tally.skipped.append(Skipped(str(path), f"{error.found}. {error.hint}"))
            continue
        read += 1
        yield document
    if first is not None and not read:
        raise first


def _file(path: Path) -> _Document:
    document = documents.read(path)
    # The whole path names the source, so that two files of one name do not retire each other's passages.
    drafts = documents.split(document.text, markdown=document.markdown)
    return _Document(str(path.resolve()), drafts, document.content_hash)


def _text(text: str, source: str | None) -> _Document:
    if not text.strip():
        raise BadInput("text", "an empty text", "a text with at least one letter or digit", "Write something to learn.")
    digest = documents.text_hash(text)
    return _Document(source or f"text {digest[:12]}", documents.split(text), digest)


def _passages(rows: Rows, source: str | None) -> _Document:
    if isinstance(rows, str | Path):
        path = Path(rows)
        drafts, name = documents.read_passages(path), str(path.resolve())
    else:
        drafts = documents.passages_of((f"passages, row {number}", row) for number, row in enumerate(rows, 1))
        name = "passages"
    whole = json.dumps([(draft.external_id, draft.title, draft.text) for draft in drafts], ensure_ascii=True)
    digest = hashlib.sha256(whole.encode()).hexdigest()
    if source is None and name == "passages":
        name = f"passages {digest[:12]}"
    return _Document(source or name, drafts, digest)


def _pairs(rows: Rows) -> Sequence[dict[str, Any]]:
    return documents.read_qa(Path(rows)) if isinstance(rows, str | Path) else rows
