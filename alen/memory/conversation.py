"""Chat sessions with their messages, and what the core has learned, kept per namespace."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import schema
from alen.memory.identity import new_uid, now
from alen.memory.sql import rows, run

ROLES = ("user", "assistant")


def ensure_session(connection: sa.Connection, namespace: int, name: str | None) -> tuple[str, int]:
    """Name and row id of a session, made when it is new. Needs a write transaction."""
    chosen = name or new_uid()
    found = find_session(connection, namespace, chosen)
    if found is None:
        row = {"namespace_id": namespace, "name": chosen, "created_at": now()}
        found = schema.insert(connection, schema.session, row)
    return chosen, found


def find_session(connection: sa.Connection, namespace: int, name: str) -> int | None:
    sql = "SELECT id FROM session WHERE namespace_id = ? AND name = ?"
    return run(connection, sql, (namespace, name)).scalar()


def add_message(
    connection: sa.Connection, namespace: int, session: str, role: str, text: str, episode: str | None
) -> None:
    number = find_session(connection, namespace, session)
    if number is None:
        raise BadInput("session", repr(session), "a session of this namespace", "Begin one without a session id.")
    if role not in ROLES:
        raise BadInput("role", repr(role), " or ".join(ROLES), "What a person says is user.")
    item = None
    if episode is not None:
        sql = "SELECT id FROM episode WHERE namespace_id = ? AND uid = ?"
        item = run(connection, sql, (namespace, episode)).scalar()
    row = {"session_id": number, "role": role, "text": text, "episode_id": item, "created_at": now()}
    connection.execute(sa.insert(schema.message), row)


def messages(connection: sa.Connection, namespace: int, session: str) -> list[dict[str, Any]]:
    """Oldest first, each with role, text, episode and created_at."""
    sql = (
        "SELECT m.role, m.text, e.uid AS episode, m.created_at FROM message m JOIN session s ON s.id = m.session_id "
        "LEFT JOIN episode e ON e.id = m.episode_id WHERE s.namespace_id = ? AND s.name = ? ORDER BY m.id"
    )
    return [dict(row) for row in run(connection, sql, (namespace, session)).mappings()]


def save_state(connection: sa.Connection, namespace: int, key: str, value: Any) -> None:
    """Needs a write transaction. Raises BadInput when the value is no JSON."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"state {key}", str(error), "a value that JSON can hold", "Convert it first.") from None
    run(
        connection,
        "INSERT INTO learned_state(namespace_id, key, value_json, updated_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (namespace_id, key) DO UPDATE "
        "SET value_json = excluded.value_json, updated_at = excluded.updated_at",
        (namespace, key, text, now()),
    )


def load_state(connection: sa.Connection, namespace: int, key: str) -> Any:
    """What was saved last, None when nothing was."""
    sql = "SELECT value_json FROM learned_state WHERE namespace_id = ? AND key = ?"
    return next((json.loads(text) for (text,) in rows(connection, sql, (namespace, key))), None)
