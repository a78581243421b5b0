"""LanceDB: one ``add`` of a stream of record batches, which commits a version; then its default vector index, and the
indexes on scalar columns that its documentation advises for filters and for deleting by id."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import lancedb
import pyarrow as pa
from lancedb.index import Bitmap, BTree, IvfPq
from serving import Batch, Query, serve


class Lance:
    batch = 10_000
    settings = (
        "default",
        "nprobes=50 refine_factor=10",
        "nprobes=100 refine_factor=20",
        "nprobes=200 refine_factor=30",
        "nprobes=400 refine_factor=50",
    )

    def __init__(self, folder: Path, dim: int) -> None:
        self._schema = pa.schema(
            [
                ("id", pa.int64()),
                ("question", pa.string()),
                ("answer", pa.string()),
                ("tenant", pa.string()),
                ("vector", pa.list_(pa.float32(), dim)),
            ]
        )
        self._rows = lancedb.connect(folder).create_table("rows", schema=self._schema, exist_ok=True)
        self._probes = self._refine = 0

    def bulk(self, batches: Iterator[Batch]) -> None:
        self._rows.add(pa.RecordBatchReader.from_batches(self._schema, (self._record(batch) for batch in batches)))

    def build(self) -> None:
        self._rows.create_index("vector", config=IvfPq(distance_type="cosine"))
        self._rows.create_index("tenant", config=Bitmap())
        self._rows.create_index("id", config=BTree())

    def use(self, setting: str) -> None:
        if setting != "default":
            self._probes, self._refine = (int(part.partition("=")[2]) for part in setting.split())

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        # The columns are named, so that the distance is too: left out, it is given with a warning.
        wanted = self._rows.search(query.vector_D).distance_type("cosine").limit(query.k)
        if self._probes:
            wanted = wanted.nprobes(self._probes).refine_factor(self._refine)
        if query.tenant:
            wanted = wanted.where(f"tenant = '{query.tenant}'")
        found = wanted.select(["id", "question", "answer", "_distance"]).to_arrow().to_pydict()
        return list(zip(found["id"], found["question"], found["answer"], strict=True))

    def add(self, row: Batch) -> str:
        self._rows.add(pa.Table.from_batches([self._record(row)]))
        return str(row.ids[0])

    def delete(self, count: int) -> tuple[list[int], float]:
        started = time.perf_counter()
        self._rows.delete(f"id IN ({', '.join(map(str, range(count)))})")
        return list(range(count)), time.perf_counter() - started

    def present(self, names: list[str]) -> int:
        return self._rows.count_rows(f"id IN ({', '.join(names)})")

    def close(self) -> None:
        """It has no call for it."""

    def _record(self, batch: Batch) -> pa.RecordBatch:
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(batch.vectors_ND.ravel()), batch.vectors_ND.shape[1])
        columns = [pa.array(batch.ids), pa.array(batch.questions), pa.array(batch.answers), pa.array(batch.tenants)]
        return pa.RecordBatch.from_arrays([*columns, vectors], schema=self._schema)


if __name__ == "__main__":
    serve(Lance, {"lancedb": lancedb.__version__, "pyarrow": pa.__version__})
