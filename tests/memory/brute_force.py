"""What a search should find, told without any index: an encoder that keeps texts apart, and a comparison of all."""

from __future__ import annotations

import numpy as np

from alen.memory import EpisodicMemory, spaces
from alen.memory.sql import run
from tests.memory.conftest import HashEncoder, drafts

DIM = 48


class Spread(HashEncoder):
    """Every text has a place of its own: half of its vector is that of its words, half is noise."""

    def __init__(self, dim: int = DIM) -> None:
        super().__init__(dim, "spread")

    def encode(self, texts: list[str]) -> np.ndarray:
        found = super().encode(texts)
        for row, text in zip(found, texts, strict=True):
            own = np.random.default_rng(list(text.encode())).standard_normal(self.dim)
            row += own / np.linalg.norm(own)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def taught(memory: EpisodicMemory, count: int, namespace: str, name: str = "Kiln") -> list[str]:
    texts = [f"{name} {number} of {namespace} is hot." for number in range(count)]
    memory.teach_passages(name, drafts(*texts), content_hash=f"{count}", namespace=namespace, replaces_source=False)
    return texts


def nearest(
    memory: EpisodicMemory, query_D: np.ndarray, count: int, namespace: str, kind: str = "passage"
) -> list[int]:
    with memory._looking(namespace, query_D, True) as (_, _, vectors):
        assert vectors is not None
        return vectors.top("passage", query_D, count)


def exact(memory: EpisodicMemory, query_D: np.ndarray, count: int, namespace: str) -> list[int]:
    """From ``embedding``, which pgvector has no part in."""
    with memory._store.reading() as connection:
        space, _, _, dim = spaces.active(connection)["passage"]
        sql = (
            "SELECT i.id, e.vec FROM embedding e JOIN passage i ON i.id = e.item_id JOIN namespace n "
            "ON n.id = i.namespace_id WHERE e.space_id = ? AND n.path = ? AND i.status = 'active' ORDER BY i.id"
        )
        rows = run(connection, sql, (space, namespace)).all()
    _, vectors_ND = spaces.unpack([row[1] for row in rows], dim)
    order = np.argsort(-(vectors_ND @ query_D), kind="stable")[:count]
    return [rows[place][0] for place in order]


def standing(memory: EpisodicMemory, namespace: str, kind: str = "passage") -> str:
    return str(memory.checkpoint(namespace=namespace)[kind]["index"])


def stored(memory: EpisodicMemory, kind: str) -> dict[tuple[int, int], np.ndarray]:
    """What the table of a space holds, by item and place."""
    with memory._store.reading() as connection:
        space = spaces.active(connection)[kind][0]
        rows = run(connection, f"SELECT item_id, place, vec::real[] FROM vector_space_{space}").all()
    return {(row[0], row[1]): np.array(row[2], dtype=np.float32) for row in rows}
