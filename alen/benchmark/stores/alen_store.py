"""ALEN: ``remember_many`` returns after COMMIT; ``checkpoint`` waits for the sealed index; recall asks SQL again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from serving import Batch, Query, serve

from alen.benchmark.machine import versions
from alen.errors import UnknownEpisode
from alen.memory import EpisodicMemory
from alen.memory.index import faiss_guard


class Known:
    """An encoder of texts whose vectors are known."""

    name = "known-vectors"
    fingerprint = "known-vectors"

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.vector_of: dict[str, np.ndarray] = {}

    def hold(self, batch: Batch) -> None:
        self.vector_of = dict(zip(batch.questions, batch.vectors_ND, strict=True))

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([self.vector_of[text] for text in texts], dtype=np.float32).reshape(-1, self.dim)


class Alen:
    batch = 10_000
    settings = ("default",)

    def __init__(self, folder: Path, dim: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = Known(dim)
        self._memory = EpisodicMemory.open(f"sqlite:///{folder / 'memory.db'}", encoder=self._encoder)

    def bulk(self, batches: Iterator[Batch]) -> None:
        for batch in batches:
            self._remember(batch, None)

    def build(self) -> None:
        self._memory.checkpoint()

    def divide(self, batches: Iterator[Batch]) -> None:
        """Each tenant also in a namespace of its own."""
        names = set()
        for batch in batches:
            for name in set(batch.tenants) - {""}:
                kept = [place for place, tenant in enumerate(batch.tenants) if tenant == name]
                columns = ([column[place] for place in kept] for column in (batch.ids, batch.questions, batch.answers))
                self._remember(Batch(*columns, [""] * len(kept), batch.vectors_ND[kept]), name)
                names.add(name)
        for name in names:
            self._memory.checkpoint(namespace=name)

    def use(self, setting: str) -> None:
        """There is nothing to set: how much of an index is read was measured when it was made."""

    def search(self, query: Query) -> list[tuple[int, str, str]]:
        filtered = query.tenant is not None and query.how != "namespace"
        hits = self._memory.recall(
            query.text,
            query.k,
            mode="hybrid" if query.how == "hybrid" else "dense",
            vector=query.vector_D,
            where={"tags": query.tenant} if filtered else None,
            namespace=query.tenant if query.how == "namespace" else None,
        )
        return [(hit.episode.detail["row"], hit.episode.question, hit.episode.answer or "") for hit in hits]

    def add(self, row: Batch) -> str:
        self._encoder.hold(row)
        return self._memory.remember(question=row.questions[0], answer=row.answers[0], detail={"row": row.ids[0]})

    def delete(self, count: int) -> tuple[list[int], float]:
        somewhere_D = np.full(self._encoder.dim, self._encoder.dim**-0.5, dtype=np.float32)
        hits = self._memory.recall("anything", count, mode="dense", vector=somewhere_D)
        started = time.perf_counter()
        self._memory.delete([hit.episode.id for hit in hits])
        seconds = time.perf_counter() - started
        return [hit.episode.detail["row"] for hit in hits], seconds

    def present(self, names: list[str]) -> int:
        found = 0
        for name in names:
            with contextlib.suppress(UnknownEpisode):
                self._memory.get(name)
                found += 1
        return found

    def close(self) -> None:
        self._memory.close()

    def _remember(self, batch: Batch, namespace: str | None) -> None:
        self._encoder.hold(batch)
        rows = [
            {"question": question, "answer": answer, "tags": [tenant] if tenant else [], "detail": {"row": number}}
            for number, question, answer, tenant in zip(
                batch.ids, batch.questions, batch.answers, batch.tenants, strict=True
            )
        ]
        self._memory.remember_many(rows, vectors=batch.vectors_ND, namespace=namespace)


if __name__ == "__main__":
    faiss_guard.load()
    serve(Alen, versions())
