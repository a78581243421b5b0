"""Moving to another encoder while memory goes on serving with the old one; what was done survives a crash."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput, StoreError
from alen.memory import faults, log, passages, schema, sealer, spaces
from alen.memory.identity import now
from alen.memory.sql import run
from alen.memory.store import Store
from alen.types import Encoder, PassageDraft

Progress = Callable[[str, int, int], None]

_LOGGER = logging.getLogger(__name__)

_PASSAGES = (
    "SELECT id, title, text, sentences FROM passage WHERE status = 'active' AND id NOT IN "
    "(SELECT item_id FROM embedding WHERE space_id = ?) ORDER BY id LIMIT ?"
)
_HELD = "status IN ('active', 'archived', 'superseded') AND tier <> 'unverified' AND answer IS NOT NULL"
"""What was set aside may come back, and what was replaced is still found in its time."""

_QUESTIONS = (
    f"SELECT id, question FROM episode WHERE {_HELD} AND id NOT IN "
    "(SELECT item_id FROM embedding WHERE space_id = ?) ORDER BY id LIMIT ?"
)


def reembed(store: Store, encoder: Encoder, progress: Progress | None) -> int:
    """See ``EpisodicMemory.reembed``. How many texts were embedded by this call."""
    with store.reading() as connection:
        in_use = spaces.active(connection)
        if all(fingerprint == encoder.fingerprint for _, fingerprint, _, _ in in_use.values()) and in_use:
            raise BadInput("encoder", encoder.name, "another one than the one in use", "Nothing is to be done.")
    with store.writing() as connection:
        building = _building(connection, encoder)
        seen = _newest(connection)
    faults.reach("reembed:begun")
    done = 0
    while True:
        with store.reading() as connection:
            total = done + _missing(connection, building)
            texts = run(connection, _PASSAGES, (building["sentence"], passages.BATCH)).all()
            questions = run(connection, _QUESTIONS, (building["question"], passages.BATCH)).all()
        if not texts and not questions:
            with store.writing() as connection:
                # What was taught or changed since the look above would be lost by changing over now.
                seen = _leave_out_changed(connection, building, seen)
                if _missing(connection, building) == 0:
                    _change_over(connection, building)
                    break
            continue
        drafts = [
            PassageDraft(row.text, title=row.title, sentences=tuple((a, b) for a, b in json.loads(row.sentences)))
            for row in texts
        ]
        vectors = passages.encoded(encoder, drafts)
        asked = spaces.encode_if(encoder, [row.question for row in questions])
        with store.writing() as connection:
            ids = [row.id for row in texts]
            spaces.write(connection, building["passage"], zip(ids, [each.passage for each in vectors], strict=True))
            spaces.write(connection, building["sentence"], zip(ids, [each.sentences for each in vectors], strict=True))
            pairs = [(row.id, each) for row, each in zip(questions, asked, strict=True) if each is not None]
            spaces.write(connection, building["question"], pairs)
            seen = _leave_out_changed(connection, building, seen)
        faults.reach("reembed:written")
        done += len(texts) + len(questions)
        if progress is not None:
            progress("embedding", done, total)
    faults.reach("reembed:changed")
    _drop_retired(store)
    faults.reach("reembed:dropped")
    _drop_indexes(store)
    return done


def _building(connection: sa.Connection, encoder: Encoder) -> dict[str, int]:
    """The spaces of the new encoder; those of an interrupted move are used again, of another move dropped."""
    sql = "SELECT kind, id, fingerprint FROM embedding_space WHERE state <> 'active'"
    found: dict[str, int] = {}
    for kind, number, fingerprint in run(connection, sql).all():
        if fingerprint == encoder.fingerprint:
            found[kind] = number
        else:
            run(connection, "DELETE FROM embedding WHERE space_id = ?", (number,))
            run(connection, "DELETE FROM embedding_space WHERE id = ?", (number,))
    for kind in spaces.KINDS:
        if kind in found:
            run(connection, "UPDATE embedding_space SET state = 'building' WHERE id = ?", (found[kind],))
            if kind == "question":
                # Its question may have been changed while nobody was moving.
                changed = "SELECT id FROM episode WHERE version > 1"
                run(connection, f"DELETE FROM embedding WHERE space_id = ? AND item_id IN ({changed})", (found[kind],))
        else:
            row: dict[str, Any] = {"kind": kind, "model": encoder.name, "fingerprint": encoder.fingerprint}
            row |= {"dim": encoder.dim, "dtype": "float16", "state": "building", "created_at": now()}
            found[kind] = schema.insert(connection, schema.embedding_space, row)
    return found


def _newest(connection: sa.Connection) -> int:
    return int(run(connection, "SELECT max(seq) FROM memory_log").scalar() or 0)


def _leave_out_changed(connection: sa.Connection, building: dict[str, int], seen: int) -> int:
    """An episode that was changed after it was read here is embedded again; the newest entry of the log."""
    changed = "SELECT item_id FROM memory_log WHERE seq > ? AND item = 'episode'"
    sql = f"DELETE FROM embedding WHERE space_id = ? AND item_id IN ({changed})"
    run(connection, sql, (building["question"], seen))
    return _newest(connection)


def _missing(connection: sa.Connection, building: dict[str, int]) -> int:
    total = 0
    for kind, sql in (("sentence", _PASSAGES), ("question", _QUESTIONS)):
        counted = f"SELECT count(*) FROM ({sql}) missing"
        total += int(run(connection, counted, (building[kind], 2**62)).scalar() or 0)
    return total


def _change_over(connection: sa.Connection, building: dict[str, int]) -> None:
    """In one transaction: what another process asks next, it asks the new vectors."""
    run(connection, "UPDATE embedding_space SET state = 'retired' WHERE state = 'active'")
    for number in building.values():
        run(connection, "UPDATE embedding_space SET state = 'active' WHERE id = ?", (number,))
    run(connection, "UPDATE passage SET embedded = ? WHERE status = 'active'", (True,))
    run(connection, f"UPDATE episode SET embedded = CASE WHEN {_HELD} THEN ? ELSE ? END", (True, False))
    for namespace in run(connection, "SELECT id FROM namespace").scalars().all():
        # Whoever follows the log reads all vectors again.
        newest = run(connection, "SELECT max(id) FROM passage WHERE namespace_id = ?", (namespace,)).scalar()
        if newest is not None:
            log.append(connection, namespace, "passage", [newest], "upsert")
    faults.reach("reembed:changing")


def _drop_retired(store: Store) -> None:
    with store.writing() as connection:
        sql = "DELETE FROM embedding WHERE space_id IN (SELECT id FROM embedding_space WHERE state = 'retired')"
        run(connection, sql)
        run(connection, "DELETE FROM embedding_space WHERE state = 'retired'")


def _drop_indexes(store: Store) -> None:
    """Files of spaces that are gone."""
    with store.reading() as connection:
        kept = {str(number) for number, *_ in spaces.active(connection).values()}
        uuid = store.uuid(connection)
    for folder in sealer.folders(store.index_folder, uuid):
        if folder.name.rpartition("-")[2] not in kept:
            try:
                sealer.discard(folder)
            except (OSError, StoreError) as error:
                _LOGGER.warning("The index in %s is of no use any more and is still there: %s", folder, error)
