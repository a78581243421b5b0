"""Many tenants of every size who ask the same words: nobody is ever shown what is another's, also when the index names
foreign rows, and small tenants find exactly what is nearest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.memory import EpisodicMemory
from alen.memory.index.layered import LayeredIndex
from alen.memory.index.sealed import Sealed
from tests.memory.conftest import drafts
from tests.memory.torture import children, life
from tests.memory.torture.counts import TENANTS

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

LARGEST = 3 * children.PLANNING["SEAL_FROM"]
TAGS, SOURCES = ("north", "south", "east"), ("user", "log")
SIZES = {f"tenant{rank}": max(2, LARGEST // rank) for rank in range(1, TENANTS + 1)}
"""After Zipf: a few are large enough to be sealed, most are tiny."""


def question(number: int) -> str:
    return f"Where does gauge {number} hang?"


def row(tenant: str, number: int) -> dict[str, Any]:
    return {
        "question": question(number),
        "answer": f"{tenant} says hall {number}",
        "tags": [TAGS[number % 3]],
        "source": SOURCES[number % 2],
        "confidence": (number % 10) / 10,
    }


@pytest.fixture(scope="module")
def memory(fast_folder: Path) -> Iterator[EpisodicMemory]:
    with pytest.MonkeyPatch.context() as patched:
        children.plan(patched.setattr)
        folder = fast_folder / "tenants"
        folder.mkdir()
        with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as opened:
            for tenant, size in SIZES.items():
                opened.remember_many([row(tenant, n) for n in range(size)], namespace=tenant)
                text = drafts(f"The kiln of {tenant} is hot.", f"{tenant} has a bell.")
                opened.teach_passages("book", text, content_hash="1", namespace=tenant)
            assert opened.checkpoint(namespace="tenant1")["question"]["rows"] == LARGEST
            yield opened


def asked(memory: EpisodicMemory, tenant: str, chance: random.Random) -> None:
    """All ways of asking, with conditions by chance."""
    where: dict[str, Any] = {}
    if chance.random() < 0.5:
        where["tags"] = chance.choice(TAGS)
    if chance.random() < 0.3:
        where["sources"] = [chance.choice(SOURCES)]
    if chance.random() < 0.3:
        where["min_confidence"] = chance.random()
    text = question(chance.randrange(LARGEST + 20))
    for mode in ("hybrid", "dense", "lexical"):
        for hit in memory.recall(text, chance.choice((1, 5, 50)), mode=mode, where=where, namespace=tenant):
            _is_own(hit.episode, tenant, where)
    found = memory.recollect(f"{text} kiln bell", where=where, namespace=tenant)
    for hit in found.episodes:
        _is_own(hit.episode, tenant, where)
    assert all(f"{tenant} " in passage.passage.text for passage in found.passages)
    for either in memory.search(text, 20, namespace=tenant):
        assert f"{tenant} " in (either.episode.answer if hasattr(either, "episode") else either.passage.text)


def _is_own(episode: Any, tenant: str, where: dict[str, Any]) -> None:
    assert episode.answer.startswith(f"{tenant} says hall ")
    assert {where.get("tags", episode.tags[0])} == set(episode.tags)
    assert episode.source in where.get("sources", SOURCES)
    assert episode.confidence >= where.get("min_confidence", 0.0)


def some(count: int) -> list[str]:
    """The largest, the smallest and others."""
    return list(SIZES)[:3] + random.Random(3).sample(list(SIZES), min(count, len(SIZES)))


def test_nobody_sees_what_is_of_another(memory: EpisodicMemory, low: None) -> None:
    chance = random.Random(1)
    for tenant in some(200 if TENANTS > 200 else 20):
        asked(memory, tenant, chance)


def test_small_tenants_find_exactly_what_is_nearest(memory: EpisodicMemory, low: None) -> None:
    chance = random.Random(2)
    for tenant in [tenant for tenant in SIZES if SIZES[tenant] < children.PLANNING["SEAL_FROM"]]:
        number = chance.randrange(SIZES[tenant])
        stored_ND = life.OLD.encode([question(n) for n in range(SIZES[tenant])]).astype(np.float16).astype(np.float32)
        best = np.sort(stored_ND @ life.OLD.encode([question(number)])[0])[::-1][:10]
        hits = memory.recall(question(number), 10, mode="dense", namespace=tenant)
        assert [hit.score for hit in hits] == pytest.approx(np.clip(best, 0.0, 1.0).tolist(), abs=1e-4)


def test_an_index_that_names_foreign_rows_shows_nobody_anything(
    memory: EpisodicMemory, low: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if FAISS had passed over what it was told to leave out."""
    last = sum(SIZES.values())
    chance = random.Random(4)
    scored, best = LayeredIndex.top_scored, LayeredIndex.best

    def foreign_top(self: LayeredIndex, query_D: np.ndarray, count: int) -> list[tuple[int, float]]:
        wrong = [(chance.randrange(1, last + 99), 1.0) for _ in range(count)]
        return list({**dict(wrong), **dict(scored(self, query_D, count))}.items())

    def foreign_best(self: LayeredIndex, query_D: np.ndarray, items: Any) -> dict[int, tuple[float, int]]:
        wrong = {chance.randrange(1, last + 99): (1.0, 0) for _ in range(20)}
        return {**wrong, **best(self, query_D, items)}

    monkeypatch.setattr(LayeredIndex, "top_scored", foreign_top)
    monkeypatch.setattr(LayeredIndex, "best", foreign_best)
    for tenant in some(20):
        asked(memory, tenant, chance)


def test_a_sealed_index_that_names_foreign_rows_shows_nobody_anything(
    memory: EpisodicMemory, low: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are right and their owners are another's."""
    with EpisodicMemory.open(memory._store.url.render_as_string(), encoder=life.OLD) as again:
        assert again.recall(question(3), 1, namespace="tenant1")[0].exact
        (_, vectors), *_ = again._vectors._known.values()
        sealed = vectors.question.sealed
        assert isinstance(sealed, Sealed)
        monkeypatch.setattr(sealed, "item_I", sealed.item_I + LARGEST)
        chance = random.Random(5)
        for _ in range(10):
            asked(again, "tenant1", chance)
