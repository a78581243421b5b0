"""Erasing: nothing of a text or a vector is left in any file, and a receipt says how much that was."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput, StoreError
from alen.memory import editing, episodes, faults, log, namespaces, provenance, schema, sealer, trained
from alen.memory.identity import now
from alen.memory.sql import run
from alen.memory.store import Store
from alen.upkeep import Receipt

_LOGGER = logging.getLogger(__name__)

UNFINISHED = "unfinished "
"""Before the digest of a receipt: rows are gone, but bytes may be left in free pages, logs and sealed indexes."""


def erase(store: Store, namespace: str, uids: Sequence[str] | None, source: str | None, whole: bool) -> Receipt:
    """See ``EpisodicMemory.erase``."""
    if (uids is not None) + (source is not None) + whole != 1:
        raise BadInput("erase", "none or several of these", "ids, a source, or whole=True", "Say what is to be erased.")
    with store.writing() as connection:
        number = namespaces.find(connection, namespace)
        if number is None:
            raise BadInput("namespace", repr(namespace), "a namespace of this store", "See: alen memory stats")
        items, passages = _wanted(connection, number, uids, source)
        items = sorted({*items, *provenance.descendants(connection, number, items, passages)})
        names = _names(connection, items) + [f"p{item}" for item in passages]
        messages = _forget_messages(connection, number, items, whole) + _forget_told(connection, number, passages)
        # What was learned from single answers may tell what they said.
        run(connection, "DELETE FROM learned_state WHERE namespace_id = ? AND key LIKE ?", (number, "derived.%"))
        editing.remove(connection, items)
        _remove_passages(connection, passages)
        log.append(connection, number, "episode", items, "delete")
        log.append(connection, number, "passage", passages, "delete")
        if source is not None:
            run(connection, "DELETE FROM document WHERE namespace_id = ? AND source = ?", (number, source))
        if whole:
            for table in ("document", "session", "learned_state"):
                run(connection, f"DELETE FROM {table} WHERE namespace_id = ?", (number,))
        digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
        receipt = Receipt(namespace, whole, len(items), len(passages), messages, now(), digest)
        values = {name: getattr(receipt, name) for name in ("namespace", "episodes", "passages", "messages", "at")}
        schema.insert(connection, schema.erasure, values | {"digest": UNFINISHED + digest})
        faults.reach("erase:deleted")
    faults.reach("erase:committed")
    finish(store)
    return receipt


def finish(store: Store) -> int:
    """Clean the files of what was erased, also by a process that did not live to do it; how many receipts became
    final. Raises StoreError when another process keeps files from being cleaned: what is left stays marked."""
    with store.reading() as connection:
        sql = "SELECT r.id, n.id FROM erasure r LEFT JOIN namespace n ON n.path = r.namespace WHERE r.digest LIKE ?"
        waiting = [(receipt, number) for receipt, number in run(connection, sql, (UNFINISHED + "%",))]
        uuid = store.uuid(connection)
    if not waiting:
        return 0
    store.scrub()
    faults.reach("erase:scrubbed")
    try:
        for number in {number for _, number in waiting}:
            for folder in sealer.folders(store.index_folder, uuid, number):
                sealer.discard(folder)
            trained.discard(store.index_folder, uuid, number)
    except OSError as error:
        raise StoreError(
            f"{store.index_folder}: what was erased is still in an index or in weights ({error.strerror or error}).",
            "Make the folder writable, then: alen memory verify --repair",
        ) from error
    faults.reach("erase:unsealed")
    with store.writing() as connection:
        for receipt, _ in waiting:
            sql = "UPDATE erasure SET digest = substr(digest, ?) WHERE id = ? AND digest LIKE ?"
            run(connection, sql, (len(UNFINISHED) + 1, receipt, UNFINISHED + "%"))
    return len(waiting)


def take_up(store: Store) -> None:
    """Finish what a process that died has left, unless another one is in the way: then at the next opening."""
    try:
        finish(store)
    except StoreError as error:
        _LOGGER.warning("What was erased may still be in files: %s", error)


def receipts(connection: sa.Connection) -> list[dict[str, Any]]:
    """``finished`` is false while bytes may be left in files."""
    sql = "SELECT namespace, episodes, passages, messages, at, digest FROM erasure ORDER BY id"
    return [
        {**row, "digest": row["digest"].removeprefix(UNFINISHED), "finished": not row["digest"].startswith(UNFINISHED)}
        for row in run(connection, sql).mappings()
    ]


def _wanted(
    connection: sa.Connection, number: int, uids: Sequence[str] | None, source: str | None
) -> tuple[list[int], list[int]]:
    if uids is not None:
        return [episodes.row_of(connection, number, uid).id for uid in dict.fromkeys(uids)], []
    if source is not None:
        sql = (
            "SELECT p.id FROM passage p JOIN document d ON d.id = p.document_id "
            "WHERE p.namespace_id = ? AND d.source = ? ORDER BY p.id"
        )
        own = "SELECT id FROM episode WHERE namespace_id = ? AND source = ? AND kind = 'taught' ORDER BY id"
        values = (number, source)
        return list(run(connection, own, values).scalars()), list(run(connection, sql, values).scalars())
    found = [
        list(run(connection, f"SELECT id FROM {table} WHERE namespace_id = ? ORDER BY id", (number,)).scalars())
        for table in ("episode", "passage")
    ]
    return found[0], found[1]


def _names(connection: sa.Connection, items: Sequence[int]) -> list[str]:
    return [str(run(connection, "SELECT uid FROM episode WHERE id = ?", (item,)).scalar()) for item in items]


def _forget_messages(connection: sa.Connection, number: int, items: Sequence[int], whole: bool) -> int:
    if whole:
        sql = "DELETE FROM message WHERE session_id IN (SELECT id FROM session WHERE namespace_id = ?)"
        return int(run(connection, sql, (number,)).rowcount)
    return sum(run(connection, "DELETE FROM message WHERE episode_id = ?", (item,)).rowcount for item in items)


def _forget_told(connection: sa.Connection, number: int, passages: Sequence[int]) -> int:
    """What was told in a conversation stands in its messages as well."""
    sql = (
        "SELECT p.text, d.source FROM passage p JOIN document d ON d.id = p.document_id "
        "WHERE p.id = ? AND d.source LIKE ?"
    )
    told = [row for item in passages for row in run(connection, sql, (item, "conversation %"))]
    if not told:
        return 0
    sessions = "SELECT m.id, m.text FROM message m JOIN session s ON s.id = m.session_id WHERE s.namespace_id = ?"
    found = [
        message for message, text in run(connection, sessions, (number,)).all() if any(said in text for said, _ in told)
    ]
    return sum(run(connection, "DELETE FROM message WHERE id = ?", (message,)).rowcount for message in found)


def _remove_passages(connection: sa.Connection, items: Sequence[int]) -> None:
    for item in items:
        run(
            connection,
            "DELETE FROM embedding WHERE item_id = ? AND space_id IN "
            "(SELECT id FROM embedding_space WHERE kind IN ('passage', 'sentence'))",
            (item,),
        )
        run(connection, "DELETE FROM derived_from WHERE parent_kind = 'passage' AND parent_id = ?", (item,))
        run(connection, "DELETE FROM passage WHERE id = ?", (item,))
