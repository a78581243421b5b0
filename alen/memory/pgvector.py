"""Vectors searched where they are stored, in PostgreSQL by pgvector: this machine keeps nothing of them.

Up to 20,000 vectors of a namespace are compared one by one. A larger namespace gets an HNSW index of its own, so that
what other namespaces hold can neither crowd out its neighbours nor slow it down.

Axes: D dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput
from alen.memory import log, pgvector_tables
from alen.memory.index import planning
from alen.memory.pgvector_building import Builder, near_index
from alen.memory.pgvector_tables import Extension, Progress
from alen.memory.sql import run
from alen.memory.store import Store
from alen.memory.vectors import NamespaceVectors
from alen.types import IndexName

ITERATIVE_FROM = (0, 8, 0)
"""The first pgvector that goes on searching an index until as many rows are found as are asked for."""

BREADTH = 200
"""Rows that an index looks at, at least; where it does not find enough, more."""

BROADEST = 1000
"""The most that pgvector looks at; whoever wants more has all rows compared."""

_TRUTH = {
    "passage": "passage i ON i.id = v.item_id AND i.namespace_id = {0} AND i.status = 'active'",
    "question": "episode i ON i.id = v.item_id AND i.namespace_id = {0} AND i.recallable",
}
_TRUTH["sentence"] = _TRUTH["passage"]


def check(index: str, url: sa.URL) -> None:
    """Raises BadInput for an index that is not known, or that this store cannot have."""
    if index not in get_args(IndexName):
        raise BadInput("index", repr(index), ", ".join(get_args(IndexName)), "local needs nothing but files.")
    if index == "pgvector" and url.get_backend_name() != "postgresql":
        raise BadInput(
            "index",
            f"'pgvector' with {url.get_backend_name()}",
            "local",
            "Leave index out, or give the address of a PostgreSQL server as --store.",
        )


class Pgvector:
    """The vectors of a store, opened with ``open``."""

    def __init__(self, store: Store, extension: Extension) -> None:
        self.store, self.extension = store, extension
        self.builder = Builder(store.url, extension)

    @classmethod
    def open(cls, store: Store, progress: Progress | None) -> Pgvector:
        """Raises as ``pgvector_tables.prepare``."""
        return cls(store, pgvector_tables.prepare(store, progress))

    def vectors(
        self, connection: sa.Connection, namespace: int, in_use: Mapping[str, tuple[int, str, str, int]]
    ) -> StoredVectors:
        """Of a namespace, as they are in the transaction of ``connection``."""
        found = StoredVectors(self, namespace, in_use)
        found.refresh(connection)
        return found


class StoredVectors(NamespaceVectors):
    """As ``NamespaceVectors``, without a copy: it lives as long as the transaction that it was last refreshed with."""

    def __init__(self, owner: Pgvector, namespace: int, in_use: Mapping[str, tuple[int, str, str, int]]) -> None:
        dim = next(iter(in_use.values()))[3]
        super().__init__(namespace, dim, {kind: space[0] for kind, space in in_use.items()}, {})
        self._owner = owner
        self._stored: dict[str, StoredIndex] = {}

    @property
    def passage(self) -> StoredIndex:
        return self._stored["passage"]

    @property
    def sentence(self) -> StoredIndex:
        return self._stored["sentence"]

    @property
    def question(self) -> StoredIndex:
        return self._stored["question"]

    def items(self, kind: str) -> np.ndarray:
        return self._stored[kind].items()

    def top(self, kind: str, query_D: np.ndarray, count: int) -> list[int]:
        return self._stored[kind].top(query_D, count)

    def best(self, kind: str, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]:
        return self._stored[kind].best(query_D, items)

    def refresh(self, connection: sa.Connection) -> None:
        tables = {table.space: table for table in _tables(connection, self._owner.extension.own, self._namespace)}
        for kind, space in self.space_ids.items():
            self._stored[kind] = StoredIndex(self._owner, connection, kind, self._namespace, tables[space])

    def wait(self) -> None:
        """Until the indexes that are due are built."""
        for index in self._stored.values():
            self._owner.builder.build(index.table.space, self._namespace)

    def discard(self) -> None:
        """Copy the namespace's vectors again from ``embedding``."""
        with self._owner.store.writing() as connection:
            for space in self.space_ids.values():
                # Without its index first: row by row it would be made much more slowly than at once.
                run(
                    connection, f"DROP INDEX IF EXISTS {self._owner.extension.own}.{near_index(space, self._namespace)}"
                )
                run(connection, f"DELETE FROM vector_space_{space} WHERE namespace_id = ?", (self._namespace,))
                after: int | None = 0
                while after is not None:
                    part = pgvector_tables.fill_part(connection, space, after, self._namespace)
                    after = None if part is None else part[0]

    def standing(self, connection: sa.Connection) -> dict[str, object]:
        found: dict[str, object] = {"log": log.last(connection, self._namespace)}
        for kind, index in self._stored.items():
            found[kind] = {"index": "pgvector-hnsw" if index.table.indexed else "pgvector-exact"}
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """Of a space. ``indexed`` says whether an index of the namespace that asks is there to be used."""

    space: int
    type: str
    indexed: bool


class StoredIndex:
    """The vectors of one kind, as ``LayeredIndex`` has them, asked for in one statement with the table that says what
    may be found."""

    def __init__(self, owner: Pgvector, connection: sa.Connection, kind: str, namespace: int, table: Table) -> None:
        self.table = table
        self._owner, self._connection, self._namespace = owner, connection, namespace
        schema = owner.extension.schema
        self._product = f"OPERATOR({schema}.<#>)"
        self._query = f"?::{schema}.{table.type}"
        # Scores are those of the question as it is: as a half float it would be rounded.
        self._score = f"-(v.vec::{schema}.vector {self._product} ?::{schema}.vector)"
        truth = _TRUTH[kind].format(namespace)
        self._from = f"FROM vector_space_{table.space} v JOIN {truth} WHERE v.namespace_id = {namespace}"

    def __len__(self) -> int:
        """Items; where there is an index at least as many as there are: to count takes longer than to search."""
        sql = f"SELECT count(DISTINCT v.item_id) {self._from}"
        if self.table.indexed:
            sql = f"SELECT max(item_id) FROM vector_space_{self.table.space}"
        return int(run(self._connection, sql).scalar() or 0)

    def items(self) -> np.ndarray:
        """All ids, in no order."""
        return np.fromiter(run(self._connection, f"SELECT DISTINCT v.item_id {self._from}").scalars(), dtype=np.int64)

    def top(self, query_D: np.ndarray, count: int) -> list[int]:
        """The items of the ``count`` best rows, best first, each once."""
        return list(dict.fromkeys(item for item, _ in self.top_scored(query_D, count)))

    def top_scored(self, query_D: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Item and inner product of the ``count`` best rows, best first."""
        query = _literal(query_D)
        for breadth in self._breadths(count):
            found = self._near(query, count, breadth)
            if len(found) >= count:
                return found
        return self._exact(query, count)

    def best(self, query_D: np.ndarray, items: Sequence[int]) -> dict[int, tuple[float, int]]:
        """For each of ``items`` that is there: its highest inner product, and which of its rows has it."""
        if not len(items):
            return {}
        sql = (
            f"SELECT DISTINCT ON (v.item_id) v.item_id, {self._score} AS score, v.place {self._from} "
            "AND v.item_id = ANY(?::bigint[]) ORDER BY v.item_id, score DESC, v.place"
        )
        rows = run(self._connection, sql, (_literal(query_D), [int(item) for item in items]))
        return {item: (score, place) for item, score, place in rows}

    def _breadths(self, count: int) -> Iterator[int]:
        """How many rows the index is to look at, one try after another; none when it cannot help."""
        breadth = max(BREADTH, 2 * count)
        if not self.table.indexed or count > BROADEST:
            return
        while breadth < BROADEST and self._owner.extension.version < ITERATIVE_FROM:
            yield breadth
            breadth *= 4
        yield min(breadth, BROADEST)

    def _near(self, query: str, count: int, breadth: int) -> list[tuple[int, float]]:
        # To sort all rows may look cheaper to the planner where its samples are old.
        settings = {"hnsw.ef_search": str(breadth), "enable_sort": "off"}
        if self._owner.extension.version >= ITERATIVE_FROM:
            settings["hnsw.iterative_scan"] = "strict_order"
        each = ", ".join(["set_config(?, ?, true)"] * len(settings))
        run(self._connection, f"SELECT {each}", tuple(text for pair in settings.items() for text in pair))
        # Numbers stand in the statement, as a plan for any number would not use the index.
        sql = (
            f"SELECT v.item_id, {self._score} {self._from} "
            f"ORDER BY v.vec {self._product} {self._query} LIMIT {int(count)}"
        )
        rows = run(self._connection, sql, (query, query)).all()
        run(self._connection, "SET LOCAL enable_sort TO DEFAULT")
        return sorted(((row[0], row[1]) for row in rows), key=lambda entry: (-entry[1], entry[0]))

    def _exact(self, query: str, count: int) -> list[tuple[int, float]]:
        sql = (
            f"WITH every AS MATERIALIZED (SELECT v.item_id, v.place, {self._score} AS score {self._from}) "
            "SELECT item_id, score, (SELECT count(*) FROM every) FROM every ORDER BY score DESC, item_id, place LIMIT ?"
        )
        rows = run(self._connection, sql, (query, count)).all()
        if rows and rows[0][2] >= planning.SEAL_FROM and not self.table.indexed:
            self._owner.builder.begin(self.table.space, self._namespace)
        return [(row[0], row[1]) for row in rows]


def _tables(connection: sa.Connection, own: str, namespace: int) -> list[Table]:
    sql = (
        "SELECT s.id, t.typname, coalesce(h.indisvalid, false) FROM embedding_space s "
        "JOIN pg_attribute a ON a.attrelid = to_regclass(? || '.vector_space_' || s.id) AND a.attname = 'vec' "
        "JOIN pg_type t ON t.oid = a.atttypid "
        "LEFT JOIN pg_index h ON h.indexrelid = to_regclass(? || '.vector_space_' || s.id || '_near_' || ?) "
        "WHERE s.state = 'active'"
    )
    return [Table(*row) for row in run(connection, sql, (own, own, str(namespace)))]


def _literal(query_D: np.ndarray) -> str:
    """Nine digits tell every float32 from every other."""
    return "[" + ",".join(f"{number:.9g}" for number in np.asarray(query_D, dtype=np.float32).tolist()) + "]"
