"""Chroma, embedded: ``add`` returns when its write-ahead log has the rows; the HNSW index is brought up to date by the
next query. Batches are as large as the client allows, which is what its documentation advises for bulk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import chromadb
from serving import Batch, Query, serve


class Chroma:
    settings = ("default", "ef_search=200", "ef_search=400", "ef_search=800", "ef_search=1600")

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._open()
        self.batch = self._client.get_max_batch_size()

    def bulk(self, batches: Iterator[Batch]) -> None:
        for batch in batches:
            self._add(batch)

    def build(self) -> None:
        """Nothing to ask for: the next query waits for the index."""

    def use(self, setting: str) -> None:
        if setting != "default":
            self._rows.modify(configuration={"hnsw": {"ef_search": int(setting.partition("=")[2])}})
            # An index that is open goes on with what it was opened with.
            self._client.close()
            self._open()

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        found = self._rows.query(
            query_embeddings=query.vector_D[None],
            n_results=query.k,
            where={"tenant": query.tenant} if query.tenant else None,
            include=["documents", "metadatas"],
        )
        hits = zip(found["ids"][0], found["documents"][0], found["metadatas"][0], strict=True)
        return [(int(name), text, fields["answer"]) for name, text, fields in hits]

    def add(self, row: Batch) -> str:
        self._add(row)
        return str(row.ids[0])

    def delete(self, count: int) -> tuple[list[int], float]:
        started = time.perf_counter()
        for first in range(0, count, self.batch):
            self._rows.delete(ids=[str(number) for number in range(first, min(first + self.batch, count))])
        return list(range(count)), time.perf_counter() - started

    def present(self, names: list[str]) -> int:
        return len(self._rows.get(ids=names, include=[])["ids"])

    def close(self) -> None:
        self._client.close()

    def _open(self) -> None:
        settings = chromadb.Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(path=str(self._folder), settings=settings)
        options = {"hnsw": {"space": "cosine"}}
        self._rows = self._client.get_or_create_collection("rows", configuration=options, embedding_function=None)

    def _add(self, batch: Batch) -> None:
        fields = zip(batch.answers, batch.tenants, strict=True)
        self._rows.add(
            ids=[str(number) for number in batch.ids],
            embeddings=batch.vectors_ND,
            documents=batch.questions,
            metadatas=[{"answer": answer, "tenant": tenant} for answer, tenant in fields],
        )


if __name__ == "__main__":
    serve(Chroma, {"chromadb": chromadb.__version__})
