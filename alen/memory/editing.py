"""One episode by its id: read, changed, replaced by a newer one, deleted; and what it was before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import episode_rows, episodes, faults, log, namespaces, spaces
from alen.memory.episode_reading import episode_of, tags_of
from alen.memory.filters import moment
from alen.memory.identity import answer_hash, episode_hash, now, question_hash
from alen.memory.sql import chunks, marks, rows, run
from alen.memory.store import Store
from alen.types import Encoder, Episode

CHANGEABLE = ("question", "answer", "context", "tags", "confidence", "detail", "pinned", "expires_at")


def get(store: Store, namespace: str, uid: str) -> Episode:
    with store.reading() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        return episode_of(row, tags_of(connection, [row.id]).get(row.id, ()))


def update(store: Store, encoder: Encoder | None, namespace: str, uid: str, changes: Mapping[str, Any]) -> Episode:
    """See ``EpisodicMemory.update``."""
    unknown = [name for name in changes if name not in CHANGEABLE]
    if unknown or not changes:
        found = ", ".join(unknown) or "nothing"
        raise BadInput("changes", found, ", ".join(CHANGEABLE), "Name at least one of these fields.")
    changes = _checked(changes)
    with store.reading() as connection:
        before = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
    question = changes.get("question", before.question)
    vector_D = spaces.encode(encoder, [question])[0] if encoder is not None and "question" in changes else None
    with store.writing() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        _is_new(connection, row, changes)
        _keep(connection, row)
        faults.reach("edit:kept")
        _write(connection, row, changes)
        faults.reach("edit:written")
        if row.kind == "taught" or row.tier != "unverified":
            if "question" in changes:
                run(connection, "UPDATE episode SET embedded = ? WHERE id = ?", (vector_D is not None, row.id))
                episode_rows.embed(connection, encoder, row.namespace_id, [row.id], [vector_D])
            else:
                log.append(connection, row.namespace_id, "episode", [row.id], "upsert")
    return get(store, namespace, uid)


def delete(store: Store, namespace: str, uids: Sequence[str]) -> int:
    """See ``EpisodicMemory.delete``."""
    with store.writing() as connection:
        number = namespaces.find(connection, namespace)
        items = ids_of(connection, number, uids)
        remove(connection, items)
        faults.reach("delete:removed")
        if number is not None:
            log.append(connection, number, "episode", items, "delete")
    return len(items)


def ids_of(connection: sa.Connection, namespace: int | None, uids: Sequence[str]) -> list[int]:
    """Row ids of episodes. Raises UnknownEpisode for the first that is not there."""
    wanted = list(dict.fromkeys(uids))
    found: dict[str, int] = {}
    for some in chunks(wanted):
        # The plus keeps the database from looking through the whole namespace for a few ids.
        sql = f"SELECT uid, id FROM episode WHERE uid IN ({marks(some)}) AND +namespace_id = ?"
        for uid, item in rows(connection, sql, (*some, namespace)):
            found[uid] = item
    for uid in wanted:
        if uid not in found:
            raise episodes.unknown(uid)
    return [found[uid] for uid in wanted]


_HANGING_ON = (
    "DELETE FROM embedding WHERE space_id IN (SELECT id FROM embedding_space WHERE kind = 'question') "
    "AND item_id IN ({})",
    "DELETE FROM episode_tag WHERE episode_id IN ({})",
    "DELETE FROM episode_history WHERE episode_id IN ({})",
    "DELETE FROM derived_from WHERE child_id IN ({})",
    "DELETE FROM derived_from WHERE parent_kind = 'episode' AND parent_id IN ({})",
    "UPDATE message SET episode_id = NULL WHERE episode_id IN ({})",
    "UPDATE episode SET supersedes_id = NULL WHERE supersedes_id IN ({})",
    "DELETE FROM episode WHERE id IN ({})",
)


def remove(connection: sa.Connection, items: Sequence[int]) -> None:
    """Take the rows of episodes and everything that hangs on them out of the database."""
    for some in chunks(items):
        for sql in _HANGING_ON:
            run(connection, sql.format(marks(some)), tuple(some))


def supersede(store: Store, namespace: str, old: str, new: str) -> None:
    """See ``EpisodicMemory.supersede``."""
    if old == new:
        raise BadInput("new", repr(new), "another episode than the old one", "Teach the new answer first.")
    with store.writing() as connection:
        number = namespaces.find(connection, namespace)
        before, after = (episodes.row_of(connection, number, uid) for uid in (old, new))
        if after.status == "quarantined":
            hint = "Say that it is right first: alen feedback EPISODE --correct"
            raise BadInput("new", f"{new!r}, which feedback called wrong", "an episode that may hold", hint)
        if after.status == "superseded" and after.kind == "taught":
            known = episodes.taught_uid(connection, after.namespace_id, bytes(after.content_hash))
            if known is not None:
                raise BadInput("new", repr(new), f"{known!r}, which says the same and holds", "Name that one.")
        at = now()
        _keep(connection, before)
        _keep(connection, after)
        # Who is superseded by what it superseded once does so no more.
        sql = (
            "UPDATE episode SET status = 'superseded', valid_to = ?, updated_at = ?, version = version + 1, "
            "supersedes_id = nullif(supersedes_id, ?) WHERE id = ?"
        )
        run(connection, sql, (at, at, after.id, before.id))
        sql = (
            "UPDATE episode SET status = 'active', supersedes_id = ?, valid_from = ?, valid_to = NULL, updated_at = ?, "
            "version = version + 1 WHERE id = ?"
        )
        run(connection, sql, (before.id, at, at, after.id))
        log.append(connection, before.namespace_id, "episode", [before.id], "delete")
        log.append(connection, before.namespace_id, "episode", [after.id], "upsert")


def history(store: Store, namespace: str, uid: str) -> list[dict[str, Any]]:
    """See ``EpisodicMemory.history``."""
    with store.reading() as connection:
        row = episodes.row_of(connection, namespaces.find(connection, namespace), uid)
        sql = "SELECT version, replaced_at, fields_json FROM episode_history WHERE episode_id = ? ORDER BY version"
        past = [
            {"version": version, "until": until, **json.loads(values)}
            for version, until, values in run(connection, sql, (row.id,))
        ]
        return [*past, {"version": row.version, "until": None, **_fields(connection, row)}]


def _keep(connection: sa.Connection, row: Any) -> None:
    sql = "INSERT INTO episode_history(episode_id, version, replaced_at, fields_json) VALUES (?, ?, ?, ?)"
    run(connection, sql, (row.id, row.version, now(), json.dumps(_fields(connection, row), ensure_ascii=False)))


def _fields(connection: sa.Connection, row: Any) -> dict[str, Any]:
    names = ("question", "answer", "context", "tier", "status", "confidence", "source", "valid_from", "valid_to")
    return {name: getattr(row, name) for name in names} | {"tags": tags_of(connection, [row.id]).get(row.id, ())}


def _is_new(connection: sa.Connection, row: Any, changes: Mapping[str, Any]) -> None:
    """Raises BadInput when another taught episode says the same already."""
    said = [changes.get(name, getattr(row, name)) for name in ("question", "answer", "context")]
    # Of what was superseded there may be several; what is no text is refused where it is written.
    if row.kind == "taught" and row.status != "superseded" and all(isinstance(text, str | None) for text in said):
        known = episodes.taught_uid(connection, row.namespace_id, episode_hash(*said))
        if known not in (None, row.uid):
            field = next(name for name in ("answer", "question", "context") if name in changes)
            hint = f"Supersede this one by it: alen memory supersede {row.uid} {known}"
            raise BadInput(field, f"what episode {known} says already", "something else", hint)


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Raises BadInput naming the field."""
    wanted = {
        "tags": (lambda value: isinstance(value, list | tuple | set), "a list of texts"),
        "detail": (lambda value: isinstance(value, Mapping), "an object"),
        "pinned": (lambda value: isinstance(value, bool), "true or false"),
        "confidence": (lambda value: isinstance(value, int | float), "a number from 0 to 1"),
    }
    for name, (fits, allowed) in wanted.items():
        if name in changes and not fits(changes[name]):
            raise BadInput(name, repr(changes[name])[:80], allowed, "See: alen memory show EPISODE --json")
    found = dict(changes)
    if found.get("expires_at") is not None:
        found["expires_at"] = moment("expires_at", found["expires_at"])
    return found


def _write(connection: sa.Connection, row: Any, changes: Mapping[str, Any]) -> None:
    unanswered = row.answer is None and "answer" not in changes
    checked = episode_rows.Taught(
        changes.get("question", row.question),
        "(none)" if unanswered else changes.get("answer", row.answer),
        changes.get("context", row.context),
        tuple(changes.get("tags") or ()),
        changes.get("confidence", row.confidence),
    )
    names = ("context", "confidence", "pinned", "expires_at")
    values: dict[str, Any] = {name: changes[name] for name in names if name in changes}
    if "detail" in changes:
        values["detail_json"] = episode_rows.packed(changes["detail"])
    if {"question", "answer", "context"} & changes.keys():
        answer = None if unanswered else checked.answer
        values |= {
            "question": checked.question,
            "answer": answer,
            "question_hash": question_hash(checked.question),
            "answer_hash": None if answer is None else answer_hash(answer),
            "content_hash": episode_hash(checked.question, answer, checked.context),
        }
    values |= {"updated_at": now(), "version": row.version + 1}
    settings = ", ".join(f"{name} = ?" for name in values)
    run(connection, f"UPDATE episode SET {settings} WHERE id = ?", (*values.values(), row.id))
    if "tags" in changes:
        run(connection, "DELETE FROM episode_tag WHERE episode_id = ?", (row.id,))
        for tag in dict.fromkeys(checked.tags):
            run(connection, "INSERT INTO episode_tag(episode_id, tag) VALUES (?, ?)", (row.id, tag))
