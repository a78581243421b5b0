"""The vector index against a dictionary of rows, with numpy and with FAISS."""

from __future__ import annotations

import numpy as np
import pytest

from alen.memory.index import VectorIndex
from alen.memory.index import exact as index


@pytest.mark.parametrize("faiss_from", [10**9, 200])
def test_it_behaves_as_a_dictionary_of_rows(monkeypatch: pytest.MonkeyPatch, faiss_from: int) -> None:
    if faiss_from == 200:
        pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
    monkeypatch.setattr(index, "FAISS_FROM", faiss_from)
    chance = np.random.default_rng(5)
    tested = VectorIndex(16)
    truth: dict[int, np.ndarray] = {}
    for step in range(120):
        items = chance.choice(150, size=int(chance.integers(1, 12)), replace=False).tolist()
        if step % 3 == 2:
            for item in items:
                tested.remove(item)
                truth.pop(item, None)
        else:
            counts = chance.integers(1, 5, size=len(items)).tolist()
            rows = chance.normal(size=(sum(counts), 16)).astype(np.float16).astype(np.float32)
            tested.put(items, counts, rows)
            for item, own in zip(items, np.split(rows, np.cumsum(counts)[:-1]), strict=True):
                truth[item] = own
        query = chance.normal(size=16).astype(np.float32)
        best = {item: float((own @ query).max()) for item, own in truth.items()}
        found = tested.best(query, [*truth, 999])
        assert len(tested) == len(truth)
        assert {item: score for item, (score, _) in found.items()} == pytest.approx(best, abs=1e-4)
        assert all(
            (truth[item][place] @ query) == pytest.approx(best[item], abs=1e-4) for item, (_, place) in found.items()
        )
        rows_in_order = sorted(((float(row @ query), item) for item, own in truth.items() for row in own), reverse=True)
        expected = list(dict.fromkeys(item for _, item in rows_in_order[:10]))
        assert tested.top(query, 10) == expected


def test_an_empty_index_finds_nothing() -> None:
    tested = VectorIndex(4)
    assert tested.top(np.ones(4, np.float32), 5) == []
    assert tested.best(np.ones(4, np.float32), [1]) == {}
    tested.put([1], [2], np.ones((2, 4), np.float32))
    tested.remove(1)
    tested.remove(1)
    assert tested.top(np.ones(4, np.float32), 5) == []
