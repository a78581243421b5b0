"""sqlite-vec: a table of vectors in SQLite, with the tenant as partition key and texts as auxiliary columns. It
compares everything with everything. Durability as in ALEN: a write-ahead log, flushed at each commit. Through APSW,
because not every Python was built to load extensions of SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import sqlite_vec
from serving import Batch, Query, serve


class SqliteVec:
    batch = 10_000
    settings = ("default",)

    def __init__(self, folder: Path, dim: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = apsw.Connection(str(folder / "rows.db"))
        self._db.enable_load_extension(True)
        sqlite_vec.load(self._db)
        self._db.enable_load_extension(False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS rows USING vec0(id INTEGER PRIMARY KEY, tenant TEXT PARTITION KEY, "
            f"vector FLOAT[{dim}] distance_metric=cosine, +question TEXT, +answer TEXT)"
        )

    def bulk(self, batches: Iterator[Batch]) -> None:
        for batch in batches:
            self._add(batch)

    def build(self) -> None:
        """There is no index."""

    def use(self, setting: str) -> None:
        """Exact as it is."""

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        sql = "SELECT id, question, answer FROM rows WHERE vector MATCH ? AND k = ?"
        values = [query.vector_D.tobytes(), query.k]
        if query.tenant:
            sql, values = f"{sql} AND tenant = ?", [*values, query.tenant]
        return self._db.execute(f"{sql} ORDER BY distance", values).fetchall()

    def add(self, row: Batch) -> str:
        self._add(row)
        return str(row.ids[0])

    def delete(self, count: int) -> tuple[list[int], float]:
        started = time.perf_counter()
        self._db.execute("BEGIN")
        self._db.executemany("DELETE FROM rows WHERE id = ?", ((number,) for number in range(count)))
        self._db.execute("COMMIT")
        return list(range(count)), time.perf_counter() - started

    def present(self, names: list[str]) -> int:
        return sum(self._db.execute("SELECT count(*) FROM rows WHERE id = ?", (int(n),)).fetchone()[0] for n in names)

    def close(self) -> None:
        self._db.close()

    def _add(self, batch: Batch) -> None:
        blobs = (vector_D.tobytes() for vector_D in batch.vectors_ND)
        rows = zip(batch.ids, batch.tenants, blobs, batch.questions, batch.answers, strict=True)
        self._db.execute("BEGIN")
        sql = "INSERT INTO rows(id, tenant, vector, question, answer) VALUES (?, ?, ?, ?, ?)"
        self._db.executemany(sql, rows)
        self._db.execute("COMMIT")


if __name__ == "__main__":
    serve(
        SqliteVec,
        {"sqlite-vec": sqlite_vec.__version__, "apsw": apsw.apsw_version(), "sqlite": apsw.sqlite_lib_version()},
    )
