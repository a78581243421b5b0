"""Vectors as pgvector keeps them: one table for each embedding space, filled by triggers in the transaction of whoever
writes to ``embedding``, and made full once for what was there before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from alen.errors import StoreError
from alen.memory.postgres import vector_tables
from alen.memory.sql import run
from alen.memory.store import Store

Progress = Callable[[str, int, int], None]

OLDEST = (0, 5, 0)
"""The first pgvector that has HNSW."""

HALVES_FROM = (0, 7, 0)
"""The first that has half floats; older ones hold the same numbers in twice the bytes."""

INDEXED_UP_TO = 8000
"""Bytes of a vector that fits into a page of PostgreSQL and into an index; longer ones are compared one by one."""

_AVAILABLE = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
_AT_ONCE = 500

_FUNCTIONS = {
    "alen_vector_rows(vec bytea, dim integer) RETURNS TABLE (place integer, halves real[]) "
    "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE": """
        SELECT number / dim, array_agg((sign * (CASE WHEN exponent > 0 THEN 1024 + fraction ELSE fraction END)
            * 2::float8 ^ (greatest(exponent, 1) - 25))::real ORDER BY number)
        FROM (SELECT number, 1 - 2 * (code >> 15) AS sign, (code >> 10) & 31 AS exponent, code & 1023 AS fraction
              FROM (SELECT number, get_byte(vec, 2 * number) | (get_byte(vec, 2 * number + 1) << 8) AS code
                    FROM generate_series(0, length(vec) / 2 - 1) AS number) AS codes) AS halves
        GROUP BY number / dim""",
    "alen_vector_table(place text, space bigint, dim integer) RETURNS void LANGUAGE plpgsql": """
        BEGIN
            EXECUTE format('CREATE TABLE %I.vector_space_%s
                (item_id bigint, place integer, namespace_id bigint NOT NULL, vec {type}(%s) NOT NULL,
                PRIMARY KEY (item_id, place))', place, space, dim);
            EXECUTE format('ALTER TABLE %I.vector_space_%s ALTER vec SET STORAGE %s, ALTER vec SET STATISTICS 0',
                place, space, CASE WHEN dim * {bytes} <= {fits} THEN 'PLAIN' ELSE 'EXTERNAL' END);
        END""",
    "alen_vector_space_made() RETURNS trigger LANGUAGE plpgsql": """
        BEGIN
            EXECUTE format('SELECT %I.alen_vector_table($1, $2, $3)', TG_TABLE_SCHEMA)
                USING TG_TABLE_SCHEMA::text, NEW.id, NEW.dim;
            EXECUTE format('CREATE INDEX vector_space_%2$s_namespace ON %1$I.vector_space_%2$s (namespace_id, item_id)',
                TG_TABLE_SCHEMA, NEW.id);
            RETURN NULL;
        END""",
    "alen_embedding_changed() RETURNS trigger LANGUAGE plpgsql": """
        DECLARE
            wide integer;
            truth text;
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                EXECUTE format('DELETE FROM %I.vector_space_%s WHERE item_id = $1', TG_TABLE_SCHEMA, OLD.space_id)
                    USING OLD.item_id;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                EXECUTE format('SELECT dim, CASE kind WHEN ''question'' THEN ''episode'' ELSE ''passage'' END
                    FROM %I.embedding_space WHERE id = $1', TG_TABLE_SCHEMA) INTO wide, truth USING NEW.space_id;
                EXECUTE format('INSERT INTO %1$I.vector_space_%2$s (item_id, place, namespace_id, vec)
                    SELECT $1, r.place, i.namespace_id, r.halves
                    FROM %1$I.%3$I i, %1$I.alen_vector_rows($2, $3) r WHERE i.id = $1',
                    TG_TABLE_SCHEMA, NEW.space_id, truth) USING NEW.item_id, NEW.vec, wide;
            END IF;
            RETURN NULL;
        END""",
}
"""By signature: the body. Names of schemas are put in when they run, as dumps are read back into other schemas."""

_TRIGGERS = {
    "alen_vector_space_made": "AFTER INSERT ON embedding_space",
    "alen_embedding_changed": "AFTER INSERT OR UPDATE OR DELETE ON embedding",
}


@dataclass(frozen=True, slots=True)
class Extension:
    """``schema`` is where the extension is, to which no search path need lead, and ``own`` where the tables of the
    store are; both quoted."""

    schema: str
    own: str
    version: tuple[int, ...]

    @property
    def type(self) -> str:
        """What new tables hold: the same numbers as ``embedding``."""
        return "halfvec" if self.version >= HALVES_FROM else "vector"


def prepare(store: Store, progress: Progress | None) -> Extension:
    """See to it that every vector of the store is in its table; what is interrupted goes on where it was. Costs two
    look-ups when there is nothing to do.

    Raises StoreError when pgvector cannot be had."""
    with store.reading() as connection:
        found = _installed(connection)
        if found is not None and _kept(connection, found) and not _unfilled(connection) and not _left_over(connection):
            return found
    with store.writing() as connection:
        found = _installed(connection) or _install(store, connection)
        # Nobody knows what was missed while there were no triggers.
        for table in _left_over(connection) if _triggered(connection) else vector_tables(connection):
            run(connection, f"DROP TABLE {table}")
        _keep(connection, found)
        for space, dim in _unfilled(connection).items():
            if f"vector_space_{space}" not in vector_tables(connection):
                run(connection, "SELECT alen_vector_table(current_schema()::text, ?, ?)", (space, dim))
        missing = _unfilled(connection)
    for space in missing:
        _fill(store, space, progress)
    return found


def fill_part(
    connection: sa.Connection, space: int, after: int, namespace: int | None = None
) -> tuple[int, int] | None:
    """Copy some items that the table of a space lacks, those that follow ``after``: the last one and how many; None
    when no more are lacking."""
    kind, dim = run(connection, "SELECT kind, dim FROM embedding_space WHERE id = ?", (space,)).one()
    truth = "episode" if kind == "question" else "passage"
    within = "" if namespace is None else f"AND i.namespace_id = {namespace}"
    sql = (
        f"WITH part AS MATERIALIZED (SELECT e.item_id, e.vec, i.namespace_id FROM embedding e "
        f"JOIN {truth} i ON i.id = e.item_id {within} WHERE e.space_id = ? AND e.item_id > ? "
        f"AND NOT EXISTS (SELECT 1 FROM vector_space_{space} v WHERE v.item_id = e.item_id) "
        "ORDER BY e.item_id LIMIT ?), "
        f"put AS (INSERT INTO vector_space_{space} (item_id, place, namespace_id, vec) "
        "SELECT p.item_id, r.place, p.namespace_id, r.halves FROM part p, alen_vector_rows(p.vec, ?) r) "
        "SELECT max(item_id), count(*) FROM part"
    )
    last, count = run(connection, sql, (space, after, _AT_ONCE, dim)).one()
    return None if last is None else (last, count)


def _fill(store: Store, space: int, progress: Progress | None) -> None:
    with store.reading() as connection:
        total = run(connection, "SELECT count(*) FROM embedding WHERE space_id = ?", (space,)).scalar() or 0
        done = run(connection, f"SELECT count(DISTINCT item_id) FROM vector_space_{space}").scalar() or 0
    after = 0
    while True:
        # In the turn of writers: a row that someone deletes meanwhile would be copied and stay.
        with store.writing() as connection:
            part = fill_part(connection, space, after)
            if part is None:
                # The index that searches use comes last: where it is, the table is full.
                run(
                    connection,
                    f"CREATE INDEX IF NOT EXISTS vector_space_{space}_namespace "
                    f"ON vector_space_{space} (namespace_id, item_id)",
                )
                run(connection, f"ANALYZE vector_space_{space}")
                return
        after, done = part[0], done + part[1]
        if progress is not None:
            progress("copying vectors to pgvector", done, max(total, done))


def _installed(connection: sa.Connection) -> Extension | None:
    sql = (
        "SELECT quote_ident(n.nspname), quote_ident(current_schema()), e.extversion "
        "FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'"
    )
    row = run(connection, sql).first()
    if row is None:
        return None
    version = tuple(int(part) for part in row[2].split(".") if part.isdecimal())
    if version < OLDEST:
        raise StoreError(
            f"pgvector {row[2]} has no HNSW indexes.", "Install 0.8 or later and run: ALTER EXTENSION vector UPDATE"
        )
    return Extension(row[0], row[1], version)


def _install(store: Store, connection: sa.Connection) -> Extension:
    if run(connection, _AVAILABLE).scalar() is None:
        raise StoreError(
            f"{store.url}: the server has no pgvector.",
            "Install it there (Debian and Ubuntu: the package postgresql-NN-pgvector), or use the index 'local'.",
        )
    try:
        run(connection, "CREATE EXTENSION vector SCHEMA public")
    except sa.exc.DBAPIError as error:
        raise StoreError(
            f"{store.url}: pgvector cannot be switched on ({str(error.orig).strip()}).",
            "As a superuser of this database run: CREATE EXTENSION vector",
        ) from error
    found = _installed(connection)
    assert found is not None  # made a line above
    return found


def _bodies(extension: Extension) -> dict[str, str]:
    number = 2 if extension.type == "halfvec" else 4
    values = {"{type}": f"{extension.schema}.{extension.type}", "{bytes}": str(number), "{fits}": str(INDEXED_UP_TO)}
    found = {}
    for signature, body in _FUNCTIONS.items():
        for name, value in values.items():
            body = body.replace(name, value)
        found[signature] = body
    return found


def _kept(connection: sa.Connection, extension: Extension) -> bool:
    """Whether triggers keep the tables, as this version of ALEN would."""
    sql = (
        "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = current_schema() AND p.proname LIKE ?"
    )
    bodies = set(run(connection, sql, ("alen\\_%",)).scalars())
    return bodies >= set(_bodies(extension).values()) and _triggered(connection)


def _triggered(connection: sa.Connection) -> bool:
    sql = (
        "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND t.tgname = ANY(?) AND t.tgenabled <> 'D'"
    )
    return run(connection, sql, (list(_TRIGGERS),)).scalar() == len(_TRIGGERS)


def _keep(connection: sa.Connection, extension: Extension) -> None:
    def do(statement: str) -> None:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})  # it holds percent signs

    for signature, body in _bodies(extension).items():
        do(f"CREATE OR REPLACE FUNCTION {signature} AS $body${body}$body$")
    for name, when in _TRIGGERS.items():
        do(f"CREATE OR REPLACE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _unfilled(connection: sa.Connection) -> dict[int, int]:
    """Spaces whose table is missing or not full yet, with their dimensions."""
    sql = (
        "SELECT id, dim FROM embedding_space "
        "WHERE to_regclass(quote_ident(current_schema()) || '.vector_space_' || id || '_namespace') IS NULL"
    )
    return {row[0]: row[1] for row in run(connection, sql)}


def _left_over(connection: sa.Connection) -> list[str]:
    """Tables of spaces that are no more."""
    spaces = {f"vector_space_{number}" for number in run(connection, "SELECT id FROM embedding_space").scalars()}
    return [name for name in vector_tables(connection) if name not in spaces]
