"""Qdrant's client in local mode, without a server: vectors in memory, each point committed to SQLite by itself. It
compares everything with everything and warns above 20,000 points."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from qdrant_client import QdrantClient, models
from serving import Batch, Query, serve


class Qdrant:
    batch = 1000
    settings = ("default",)

    def __init__(self, folder: Path, dim: int) -> None:
        self._client = QdrantClient(path=str(folder))
        if not self._client.collection_exists("rows"):
            space = models.VectorParams(size=dim, distance=models.Distance.COSINE)
            self._client.create_collection("rows", vectors_config=space)

    def bulk(self, batches: Iterator[Batch]) -> None:
        for batch in batches:
            self._add(batch)

    def build(self) -> None:
        """There is no index."""

    def use(self, setting: str) -> None:
        """Exact as it is."""

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        only = None
        if query.tenant:
            of = models.FieldCondition(key="tenant", match=models.MatchValue(value=query.tenant))
            only = models.Filter(must=[of])
        found = self._client.query_points("rows", query=query.vector_D, query_filter=only, limit=query.k)
        return [(point.id, point.payload["question"], point.payload["answer"]) for point in found.points]

    def add(self, row: Batch) -> str:
        self._add(row)
        return str(row.ids[0])

    def delete(self, count: int) -> tuple[list[int], float]:
        started = time.perf_counter()
        self._client.delete("rows", points_selector=models.PointIdsList(points=list(range(count))))
        return list(range(count)), time.perf_counter() - started

    def present(self, names: list[str]) -> int:
        return len(self._client.retrieve("rows", ids=[int(name) for name in names], with_payload=False))

    def close(self) -> None:
        self._client.close()

    def _add(self, batch: Batch) -> None:
        columns = zip(batch.questions, batch.answers, batch.tenants, strict=True)
        payloads = [{"question": question, "answer": answer, "tenant": tenant} for question, answer, tenant in columns]
        self._client.upsert("rows", models.Batch(ids=batch.ids, vectors=batch.vectors_ND.tolist(), payloads=payloads))


if __name__ == "__main__":
    serve(Qdrant, {"qdrant-client": version("qdrant-client")})
