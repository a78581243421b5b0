"""Export and import: an open format, checksummed; importing twice changes nothing.

manifest.json           format, counts, and the SHA-256 of each file
episodes.jsonl          one episode a line, with its id
documents.jsonl         one document a line, with its passages
question.npy, .ids      vectors as half floats and whose they are; passage and sentence likewise
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alen import __version__
from alen.errors import BadInput, CorruptWeights, StoreError
from alen.memory import faults, namespaces, spaces
from alen.memory.episode_reading import tags_of
from alen.memory.index import files
from alen.memory.sql import run
from alen.memory.store import Store

FORMAT = 1
MANIFEST = "manifest.json"
_PARTS = ("episodes.jsonl", "documents.jsonl", f"{MANIFEST}.partial")
_AT_ONCE = 500
EPISODE = (
    "uid", "kind", "question", "answer", "context", "tier", "confidence", "source", "status", "valid_from", "valid_to",
    "created_at", "updated_at", "last_used_at", "use_count", "strength", "pinned", "expires_at", "version",
)  # fmt: skip


def export(store: Store, namespace: str, folder: Path) -> dict[str, Any]:
    """See ``EpisodicMemory.export``. Without its manifest, which comes last, nothing is taken for an export."""
    # What an export that was killed has left is written again.
    if folder.exists() and any(file.name not in _PARTS for file in folder.iterdir()):
        raise BadInput("folder", str(folder), "a new or empty folder", "Choose another place.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _export(store, namespace, folder)
    except OSError as error:
        for name in _PARTS:
            (folder / name).unlink(missing_ok=True)
        raise StoreError(f"{folder}: {error.strerror or error}.", "Free some space or choose another place.") from error


def _export(store: Store, namespace: str, folder: Path) -> dict[str, Any]:
    with store.reading() as connection:
        number = namespaces.find(connection, namespace)
        if number is None:
            raise BadInput("namespace", repr(namespace), "a namespace of this store", "See: alen memory stats")
        facts = {"episodes.jsonl": _write(folder / "episodes.jsonl", _episodes(connection, number))}
        faults.reach("export:episodes")
        facts["documents.jsonl"] = _write(folder / "documents.jsonl", _documents(connection, number))
        faults.reach("export:documents")
        encoder = next(
            ({"name": model, "fingerprint": fingerprint, "dim": dim}
             for _, fingerprint, model, dim in spaces.active(connection).values()), None
        )  # fmt: skip
    manifest = {
        "format": FORMAT,
        "alen": __version__,
        "namespace": namespace,
        "encoder": encoder,
        "files": facts,
    }
    text = json.dumps(manifest, indent=1) + "\n"
    files.write(folder, MANIFEST, lambda file: file.write(text.encode()))
    files.sync(folder)
    files.sync(folder.parent)
    faults.reach("export:manifest")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises CorruptWeights when a file is not as the manifest says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        facts = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptWeights(f"{folder / MANIFEST}: {error}.", "Export again.") from None
    if manifest.get("format") != FORMAT:
        raise CorruptWeights(f"{folder / MANIFEST}: format {manifest.get('format')!r}.", "Update ALEN.")
    for name, fact in facts.items():
        file = folder / name
        if Path(name).name != name or not file.is_file():
            raise CorruptWeights(f"{file}: missing.", "Export again.")
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != fact["sha256"]:
                raise CorruptWeights(f"{file}: changed since it was written.", "Export again.")
    return manifest


def lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as rows:
        for row in rows:
            yield json.loads(row)


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    digest, size, count = hashlib.sha256(), 0, 0
    with file.open("wb") as out:
        for row in rows:
            line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
            out.write(line)
            digest.update(line)
            size += len(line)
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return {"bytes": size, "sha256": digest.hexdigest(), "rows": count}


def _episodes(connection: sa.Connection, number: int) -> Iterator[dict[str, Any]]:
    after = 0
    columns = ", ".join(f"e.{name}" for name in EPISODE)
    sql = (
        f"SELECT e.id, {columns}, e.detail_json, s.name AS session, o.uid AS supersedes FROM episode e "
        "LEFT JOIN session s ON s.id = e.session_id LEFT JOIN episode o ON o.id = e.supersedes_id "
        "WHERE e.namespace_id = ? AND e.id > ? ORDER BY e.id LIMIT ?"
    )
    while True:
        rows = run(connection, sql, (number, after, _AT_ONCE)).all()
        if not rows:
            return
        tags = tags_of(connection, [row.id for row in rows])
        for row in rows:
            found = {name: getattr(row, name) for name in EPISODE} | {"pinned": bool(row.pinned)}
            yield found | {
                "tags": list(tags.get(row.id, ())),
                "detail": json.loads(row.detail_json),
                "session": row.session,
                "supersedes": row.supersedes,
            }
        after = rows[-1].id


def _documents(connection: sa.Connection, number: int) -> Iterator[dict[str, Any]]:
    sql = "SELECT id, source, content_hash FROM document WHERE namespace_id = ? ORDER BY id"
    inside = (
        "SELECT text, title, page, char_start, char_end, external_id, sentences FROM passage "
        "WHERE document_id = ? AND status = 'active' ORDER BY ordinal, id"
    )
    for item, source, content_hash in run(connection, sql, (number,)).all():
        passages = [
            {
                "text": row.text,
                "title": row.title,
                "page": row.page,
                "start": row.char_start,
                "end": row.char_end,
                "id": row.external_id,
                "sentences": json.loads(row.sentences),
            }
            for row in run(connection, inside, (item,))
        ]
        known = None if content_hash is None else bytes(content_hash).hex()
        yield {"source": source, "content_hash": known, "passages": passages}
