"""txtai with SQLite content and FAISS: ``index`` takes a stream and ``save`` writes it; nothing lasts before ``save``,
so that adding and deleting end with one. It shows nothing whose cosine is not above 0, so that a small tenant's last
rows may be missing whatever is set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from serving import Batch, Query, serve
from txtai import Embeddings
from txtai.version import __version__

WINDOW = 4
"""Batches whose vectors are known: texts are asked for some time after they were given."""


class Txtai:
    batch = 10_000
    settings = (
        "default",
        "nprobe=2*default candidates=5000",
        "nprobe=4*default candidates=20000",
        "nprobe=8*default candidates=50000",
    )

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = str(folder / "index")
        self._held: list[dict[str, np.ndarray]] = []
        self._candidates = ""
        # It tells functions from classes by their type, and takes a method for a class.
        vectors = {"transform": lambda texts: self._vectors(texts)}
        self._index = Embeddings(method="external", content=True, **vectors)
        if self._index.exists(self._folder):
            self._index.load(self._folder, config=vectors)

    def bulk(self, batches: Iterator[Batch]) -> None:
        self._index.index(row for batch in batches for row in self._given(batch))
        self._index.save(self._folder)

    def build(self) -> None:
        """``index`` has trained and filled it."""

    def use(self, setting: str) -> None:
        if setting != "default":
            probes, candidates = (part.partition("=")[2] for part in setting.split())
            self._index.config.pop("faiss", None)
            many = int(probes.partition("*")[0]) * self._index.ann.nprobe()
            self._index.config["faiss"] = {"nprobe": many}
            self._candidates = f", {candidates}"

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        self._held = [{query.text: query.vector_D}]
        sql = "SELECT id, text, answer FROM txtai WHERE similar(:text)"
        if query.tenant:
            sql = f"SELECT id, text, answer FROM txtai WHERE similar(:text{self._candidates}) AND tenant = :tenant"
        found = self._index.search(sql, query.k, parameters={"text": query.text, "tenant": query.tenant})
        return [(int(row["id"]), row["text"], row["answer"]) for row in found]

    def add(self, row: Batch) -> str:
        self._index.upsert(self._given(row))
        self._index.save(self._folder)
        return str(row.ids[0])

    def delete(self, count: int) -> tuple[list[int], float]:
        started = time.perf_counter()
        deleted = self._index.delete([str(number) for number in range(count)])
        self._index.save(self._folder)
        return [int(name) for name in deleted], time.perf_counter() - started

    def present(self, names: list[str]) -> int:
        sql = "SELECT count(*) FROM txtai WHERE id = :name"
        return sum(self._index.search(sql, 1, parameters={"name": name})[0]["count(*)"] for name in names)

    def close(self) -> None:
        self._index.close()

    def _given(self, batch: Batch) -> Iterator[tuple[str, dict[str, Any], None]]:
        self._held = [*self._held[1 - WINDOW :], dict(zip(batch.questions, batch.vectors_ND, strict=True))]
        for number, question, answer, tenant in zip(
            batch.ids, batch.questions, batch.answers, batch.tenants, strict=True
        ):
            yield str(number), {"text": question, "answer": answer, "tenant": tenant}, None

    def _vectors(self, texts: list[str]) -> np.ndarray:
        return np.array([next(held[text] for held in reversed(self._held) if text in held) for text in texts])


if __name__ == "__main__":
    serve(Txtai, {"txtai": __version__})
