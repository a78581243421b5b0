"""Namespaces: parts of one store that never see each other."""

from __future__ import annotations

import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import schema
from alen.memory.identity import now
from alen.memory.sql import rows, run

LONGEST = 200


def find(connection: sa.Connection, path: str) -> int | None:
    return next((number for (number,) in rows(connection, "SELECT id FROM namespace WHERE path = ?", (path,))), None)


def ensure(connection: sa.Connection, path: str) -> int:
    """The id of a namespace, made when it is new. Needs a write transaction."""
    found = find(connection, path)
    if found is None:
        row = {"path": path, "created_at": now()}
        found = schema.insert(connection, schema.namespace, row)
    return found


def names(connection: sa.Connection) -> list[str]:
    return list(run(connection, "SELECT path FROM namespace ORDER BY path").scalars())


def checked(path: str) -> str:
    """The name itself. Raises BadInput when it cannot be one."""
    if not path.strip() or path != path.strip() or len(path) > LONGEST or not path.isprintable():
        allowed = f"1 to {LONGEST} printable characters without blanks around them"
        raise BadInput("namespace", repr(path[:60]), allowed, "For example: workshop")
    return path
