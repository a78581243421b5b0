"""Running a statement on SQLite and on PostgreSQL alike: placeholders are question marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

_T = TypeVar("_T")

AT_ONCE = 500
"""Values of one ``IN (…)``."""


def run(
    connection: sa.Connection, statement: str, values: Sequence[Any] | Sequence[Sequence[Any]] = ()
) -> sa.CursorResult[*tuple[Any, ...]]:
    """``values`` is one row (a tuple), or a list of rows for which the statement is run one after another. The
    statement holds no question mark and no percent sign but placeholders: texts are always values."""
    if connection.dialect.paramstyle != "qmark":
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, values or None)


def rows(connection: sa.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """As ``run``, all rows at once as plain tuples: for the few statements that every recall waits for, at a fifth of
    the cost."""
    if connection.dialect.paramstyle != "qmark":
        statement = statement.replace("?", "%s")
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, tuple(values))
        return list(cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError(statement, None, error) from error
    finally:
        cursor.close()


def marks(values: Sequence[Any]) -> str:
    """Placeholders of ``IN (…)``."""
    return ", ".join("?" * len(values))


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Pieces of ``values`` for one ``IN (…)`` each."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
