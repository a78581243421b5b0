"""Import of an export, and of what other memories hold; what is there already stays as it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput, CorruptWeights
from alen.memory import episode_rows, episodes, faults, lexical, log, namespaces, passages, schema, spaces, transfer
from alen.memory.conversation import ensure_session
from alen.memory.identity import answer_hash, episode_hash, question_hash
from alen.memory.sql import marks, run
from alen.memory.store import Store
from alen.types import Encoder, PassageDraft, TeachReport

Progress = Callable[[str, int, int], None]

_AT_ONCE = 256


def import_export(
    store: Store, encoder: Encoder | None, namespace: str, folder: Path, progress: Progress | None
) -> TeachReport:
    """Episodes by their id and documents by their content: importing twice stores nothing twice."""
    manifest = transfer.read_manifest(folder)
    total = sum(fact["rows"] for fact in manifest["files"].values())
    stored = known = done = 0
    part: list[dict[str, Any]] = []

    def take() -> None:
        nonlocal stored, known, done
        new = _episodes(store, encoder, namespace, part)
        stored, known, done = stored + new, known + len(part) - new, done + len(part)
        part.clear()
        if progress is not None:
            progress("importing", done, total)

    for row in transfer.lines(folder / "episodes.jsonl"):
        part.append(row)
        if len(part) == _AT_ONCE:
            take()
    take()
    for row in transfer.lines(folder / "documents.jsonl"):
        report = _document(store, encoder, namespace, row)
        stored, known, done = stored + report.stored, known + report.duplicates, done + 1
        if progress is not None:
            progress("importing", done, total)
    return TeachReport(stored, known, 0, 0.0)


def mem0(file: Path) -> Iterator[dict[str, Any]]:
    """Rows for ``remember_many`` from the JSON that mem0's ``get_all`` gives: a list, or results in an object."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput("file", f"{file}: {error}", "JSON of mem0's get_all", "Export it again.") from None
    rows = found.get("results") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise BadInput("file", f"{file}: {type(found).__name__}", "a list of memories", "Export it with get_all().")
    for place, row in enumerate(rows, 1):
        text = row.get("memory") or row.get("text") if isinstance(row, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"row {place}", json.dumps(row)[:60], "a memory with a text", "Leave it out.")
        owners = [f"{name}:{row[name]}" for name in ("user_id", "agent_id", "run_id") if row.get(name)]
        yield {"question": text, "answer": text, "tags": owners, "source": "mem0", "detail": {"mem0": row.get("id")}}


def chroma(folder: Path) -> Iterator[dict[str, Any]]:
    """Texts, ids and metadata of a Chroma database folder, read from its SQLite file without Chroma."""
    file = folder / "chroma.sqlite3"
    if not file.is_file():
        raise BadInput("folder", str(folder), "a folder with chroma.sqlite3", "Give the path of PersistentClient.")
    sql = (
        "SELECT e.embedding_id, c.name, m.key, m.string_value, m.int_value, m.float_value, m.bool_value "
        "FROM embeddings e JOIN segments s ON s.id = e.segment_id JOIN collections c ON c.id = s.collection "
        "JOIN embedding_metadata m ON m.id = e.id ORDER BY e.id"
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            for name, collection, key, *values in connection.execute(sql):
                value = next((each for each in values if each is not None), None)
                found.setdefault((collection, name), {})[key] = value
    except sqlite3.Error as error:
        raise CorruptWeights(f"{file}: {error}.", "Copy the folder again while Chroma is not running.") from None
    for (collection, name), values in found.items():
        text = values.pop("chroma:document", None)
        if text:
            yield {"id": name, "collection": collection, "text": text, "metadata": values}


def _episodes(store: Store, encoder: Encoder | None, namespace: str, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    with store.reading() as connection:
        known = _known(connection, [row["uid"] for row in rows])
    fresh = [row for row in rows if row["uid"] not in known]
    vectors = spaces.encode_if(encoder, [row["question"] for row in fresh])
    stored = 0
    with store.writing() as connection:
        number = namespaces.ensure(connection, namespace)
        known = _known(connection, [row["uid"] for row in fresh])
        for row, vector_D in zip(fresh, vectors, strict=True):
            twin = row["kind"] == "taught" and episodes.taught_uid(
                connection, number, episode_hash(row["question"], row["answer"], row["context"])
            )
            if row["uid"] in known or twin:
                continue
            item = _insert(connection, number, row, vector_D is not None)
            faults.reach("import:inserted")
            if row["status"] == "active" and row["tier"] != "unverified" and row["answer"] is not None:
                episode_rows.embed(connection, encoder, number, [item], [vector_D])
            stored += 1
        for row in fresh:
            if row.get("supersedes"):
                sql = (
                    "UPDATE episode SET supersedes_id = (SELECT o.id FROM episode o WHERE o.uid = ? "
                    "AND o.namespace_id = ?) WHERE uid = ? AND namespace_id = ?"
                )
                run(connection, sql, (row["supersedes"], number, row["uid"], number))
    faults.reach("import:committed")
    return stored


def _insert(connection: sa.Connection, number: int, row: dict[str, Any], embedded: bool) -> int:
    values = {name: row[name] for name in transfer.EPISODE} | {
        "namespace_id": number,
        "detail_json": json.dumps(row["detail"], ensure_ascii=False),
        "content_hash": episode_hash(row["question"], row["answer"], row["context"]),
        "question_hash": question_hash(row["question"]),
        "answer_hash": None if row["answer"] is None else answer_hash(row["answer"]),
        "session_id": ensure_session(connection, number, row["session"])[1] if row.get("session") else None,
        "embedded": embedded,
    }
    item = schema.insert(connection, schema.episode, values)
    lexical.index_new(connection, item, item)
    for tag in dict.fromkeys(row["tags"]):
        run(connection, "INSERT INTO episode_tag(episode_id, tag) VALUES (?, ?)", (item, tag))
    if not embedded:
        log.append(connection, number, "episode", [item], "upsert")
    return item


def _document(store: Store, encoder: Encoder | None, namespace: str, row: dict[str, Any]) -> TeachReport:
    drafts = [
        PassageDraft(
            each["text"],
            each["start"],
            each["end"],
            title=each["title"],
            page=each["page"],
            external_id=each["id"],
            sentences=tuple((start, end) for start, end in each["sentences"]),
        )
        for each in row["passages"]
    ]
    whole = row["content_hash"]
    return passages.teach(
        store,
        encoder,
        namespace,
        row["source"],
        drafts,
        content_hash=bytes.fromhex(whole) if whole else b"",
        replaces_source=whole is not None,
        progress=None,
    )


def _known(connection: sa.Connection, uids: Sequence[str]) -> set[str]:
    if not uids:
        return set()
    return set(run(connection, f"SELECT uid FROM episode WHERE uid IN ({marks(uids)})", tuple(uids)).scalars())


def chroma_rows(folder: Path) -> list[dict[str, Any]]:
    """As passages for teaching: the id with its collection, the text, and a title where the metadata has one."""
    return [
        {"id": f"{row['collection']}/{row['id']}", "text": row["text"], "title": row["metadata"].get("title")}
        for row in chroma(folder)
    ]
