"""Teaching: read what is given, cut it into passages, store it. The input is checked before anything is stored."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.errors import BadInput
from alen.text import documents
from alen.text.sentences import sentences
from alen.types import PassageDraft, TeachReport

if TYPE_CHECKING:
    from alen.engine.engine import Engine

Progress = Callable[[str, int, int], None]
Rows = str | Path | Sequence[dict[str, Any]]


@dataclass(frozen=True)
class _Document:
    source: str
    drafts: list[PassageDraft]
    content_hash: str


def teach(
    engine: Engine,
    text: str | None,
    *,
    paths: Sequence[str | Path],
    qa: Rows | None,
    passages: Rows | None,
    source: str | None,
    progress: Progress | None,
) -> TeachReport:
    """See Engine.teach."""
    begun = time.perf_counter()
    if isinstance(paths, str | Path):
        paths = [paths]
    if text is None and not paths and qa is None and passages is None:
        raise BadInput("input", "nothing to teach", "text, paths, qa or passages", "Give at least one of them.")
    found = [_file(Path(path)) for path in _files(paths)]
    if text is not None:
        found.append(_text(text, source))
    if passages is not None:
        found.append(_passages(passages, source))
    pairs = None if qa is None else _pairs(qa)
    stored = duplicates = retired = 0
    for place, document in enumerate(found):
        if progress:
            progress("teaching", place, len(found))
        report = engine.memory.teach_passages(
            document.source,
            document.drafts,
            content_hash=document.content_hash,
            progress=progress if len(found) == 1 else None,
        )
        stored, duplicates = stored + report.stored, duplicates + report.duplicates
        retired += report.retired
    if pairs is not None:
        report = engine.memory.remember_many(pairs, source=source or "user", progress=progress)
        stored, duplicates = stored + report.stored, duplicates + report.duplicates
    if progress and found:
        progress("teaching", len(found), len(found))
    return TeachReport(stored, duplicates, retired, round(time.perf_counter() - begun, 3))


def _files(paths: Sequence[str | Path]) -> list[Path]:
    """Files as given; of a folder, its text and Markdown files."""
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in {".md", ".markdown", ".txt"})
        if not inside:
            raise BadInput("path", f"{path}, a folder without .md or .txt files", "a file or folder", "Check the path.")
        files += inside
    return files


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
        drafts = [_draft(number, row) for number, row in enumerate(rows, 1)]
        name = "passages"
    whole = json.dumps([(draft.external_id, draft.title, draft.text) for draft in drafts], ensure_ascii=True)
    digest = hashlib.sha256(whole.encode()).hexdigest()
    if source is None and name == "passages":
        name = f"passages {digest[:12]}"
    return _Document(source or name, drafts, digest)


def _draft(number: int, row: dict[str, Any]) -> PassageDraft:
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f"passages, row {number}, text", repr(text), "a text that is not empty", "Correct the row.")
    name = row.get("id")
    return PassageDraft(
        text, 0, len(text), row.get("title"), None, None if name is None else str(name), sentences(text)
    )


def _pairs(rows: Rows) -> Sequence[dict[str, Any]]:
    return documents.read_qa(Path(rows)) if isinstance(rows, str | Path) else rows
