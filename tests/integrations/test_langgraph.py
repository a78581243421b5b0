"""The store of LangGraph: the same as LangGraph's own store in memory over many random operations, and what that store
has not."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import GetOp, InvalidNamespaceError, PutOp, SearchItem
from langgraph.store.memory import InMemoryStore

from alen.errors import BadInput
from alen.integrations.langgraph import AlenStore
from alen.memory import keyed
from alen.memory.identity import later
from tests.integrations.conftest import WordEmbeddings
from tests.memory.conftest import BOTH

LABELS = ("users", "a", "b/c", "ü %", "*")
WORDS = ("kiln", "glaze", "river", "clay", "oven", "brush")


def index(**more: Any) -> Any:
    return {"dims": 256, "embed": WordEmbeddings(), "fields": ["text"], **more}


@pytest.fixture
def store(url: str) -> Iterator[AlenStore]:
    with AlenStore(url, index=index()) as opened:
        yield opened


def contents(items: list[SearchItem]) -> list[tuple[Any, ...]]:
    return sorted(((item.namespace, item.key, item.value) for item in items), key=repr)


def random_value(chance: random.Random) -> dict[str, Any]:
    value: dict[str, Any] = {"text": " ".join(chance.choices(WORDS, k=3)), "n": chance.randrange(6)}
    if chance.random() < 0.5:
        value["deep"] = {"colour": chance.choice(["red", "blue"]), "sizes": [1, chance.randrange(3)]}
    return value


def random_filter(chance: random.Random) -> dict[str, Any] | None:
    sign = chance.choice(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"])
    return chance.choice(
        [
            None,
            {"n": chance.randrange(6)},
            {"n": {sign: chance.randrange(6)}},
            {"n": {"$gte": 1, "$lt": 4}, "deep": {"colour": "red"}},
            {"deep": {"sizes": [1, chance.randrange(3)]}},
            {"deep": None},
            {"nothing": "there"},
        ]
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_does_what_the_store_in_memory_does(store: AlenStore, seed: int) -> None:
    chance = random.Random(seed)
    reference = InMemoryStore(index=index())
    live: dict[tuple[Any, ...], dict[str, Any]] = {}
    labels = lambda least: tuple(chance.choices(LABELS, k=chance.randint(least, 3)))  # noqa: E731 one line says it all
    for _ in range(250):
        match chance.randrange(6):
            case 0 | 1:
                ops = [
                    PutOp(labels(1), chance.choice("xyz"), chance.choice([random_value(chance)] * 3 + [None]))
                    for _ in range(chance.randint(1, 4))
                ]
                for op in ops:
                    live.pop((op.namespace, op.key), None)
                    if op.value is not None:
                        live[op.namespace, op.key] = dict(op.value)
                assert store.batch(ops) == reference.batch(ops)
            case 2:
                place, key = labels(1), chance.choice("xyz")
                ours, theirs = store.get(place, key), reference.get(place, key)
                assert (ours and (ours.namespace, ours.key, ours.value)) == (
                    theirs and (theirs.namespace, theirs.key, theirs.value)
                )
            case 3:
                place, wanted = labels(0), random_filter(chance)
                ours, theirs = (each.search(place, filter=wanted, limit=999) for each in (store, reference))
                assert contents(ours) == contents(theirs)
                offset, limit = chance.randrange(4), chance.randrange(4)
                page = store.search(place, filter=wanted, limit=limit, offset=offset)
                assert contents(page) == contents(ours[offset : offset + limit])
            case 4:
                place, query, wanted = labels(0), chance.choice(WORDS), random_filter(chance)
                limit, offset = chance.randint(1, 9), chance.randrange(3)
                ours, theirs = (
                    each.search(place, query=query, filter=wanted, limit=limit, offset=offset)
                    for each in (store, reference)
                )
                assert [each.score for each in ours] == pytest.approx([each.score for each in theirs], abs=2e-3)
            case 5:
                # The store in memory also lists where something was and is no more: it is asked through a fresh one.
                fresh = InMemoryStore()
                for (place, key), value in live.items():
                    fresh.put(place, key, value)
                ask = {"prefix": chance.choice([None, labels(1)]), "suffix": chance.choice([None, labels(1)])}
                ask |= {"max_depth": chance.choice([None, 1, 2]), "limit": chance.randint(1, 9)}
                assert store.list_namespaces(**ask, offset=1) == fresh.list_namespaces(**ask, offset=1)


@BOTH
def test_what_was_put_is_there_for_the_next_process(store: AlenStore, url: str) -> None:
    with AlenStore(url, index=index()) as other:
        store.put(("users", "7"), "food", {"text": "likes river clay"})
        first = other.get(("users", "7"), "food")
        time.sleep(0.01)
        store.put(("users", "7"), "food", {"text": "likes the kiln"})
        again = other.get(("users", "7"), "food")
        assert first is not None
        assert again is not None
        assert again.value == {"text": "likes the kiln"}
        assert again.created_at == first.created_at <= first.updated_at < again.updated_at
        assert other.search(("users",), query="likes the kiln")[0].score == pytest.approx(1.0, abs=2e-3)


def test_what_was_put_last_comes_first(store: AlenStore) -> None:
    for n, place in enumerate([("a",), ("b",), ("a",), ("a", "b")]):
        store.put(place, f"k{n}", {"n": n})
        time.sleep(0.002)
    store.put(("a",), "k0", {"n": 9})
    assert [item.key for item in store.search(())] == ["k0", "k3", "k2", "k1"]


def test_an_item_is_found_by_each_of_its_texts(store: AlenStore) -> None:
    store.put(("a",), "two", {"notes": [{"text": "kiln"}, {"text": "river"}]}, index=["notes[*].text"])
    store.put(("a",), "one", {"text": "kiln river"})
    store.put(("a",), "none", {"text": "kiln"}, index=False)
    for word in ("kiln", "river"):
        found = store.search(("a",), query=word)
        assert [(item.key, round(item.score or 0)) for item in found] == [("two", 1), ("one", 1)]
        assert (found[0].score or 0) > 0.99 > 0.8 > (found[1].score or 0)
    assert {item.key for item in store.search(("a",))} == {"two", "one", "none"}
    store.delete(("a",), "two")
    assert [item.key for item in store.search(("a",), query="river")] == ["one"]


def test_a_filter_does_not_hide_what_lies_deeper(store: AlenStore) -> None:
    store.batch([PutOp(("a",), f"k{n}", {"text": "kiln", "n": n}) for n in range(300)])
    store.put(("a",), "far", {"text": "kiln glaze river", "n": -1})
    assert [item.key for item in store.search(("a",), query="kiln", filter={"n": -1}, limit=1)] == ["far"]
    assert len(store.search(("a",), query="kiln", filter={"n": {"$gte": 100}}, limit=250)) == 200


@BOTH
def test_what_has_run_out_is_not_shown_and_reading_renews(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def let_pass(minutes: float) -> None:
        monkeypatch.setattr(keyed, "now", lambda: later(60 * minutes))
        monkeypatch.setattr(keyed, "later", lambda seconds: later(60 * minutes + seconds))

    with AlenStore(url, ttl={"default_ttl": 10}) as store:
        for key in ("read", "left", "found"):
            store.put(("a",), key, {"key": key})
        store.put(("a",), "stays", {}, ttl=None)
        let_pass(minutes=6)
        assert store.get(("a",), "read") is not None
        assert store.search(("a",), filter={"key": "found"})
        let_pass(minutes=12)
        assert store.get(("a",), "left") is None
        assert store.get(("a",), "read", refresh_ttl=False) is not None
        assert {item.key for item in store.search(("a",))} == {"read", "found", "stays"}
        let_pass(minutes=18)
        assert {item.key for item in store.search(("a",), refresh_ttl=False)} == {"read", "found", "stays"}
        let_pass(minutes=24)
        assert [item.key for item in store.search(("a",))] == ["stays"]


def test_without_an_index_a_query_is_ignored(url: str) -> None:
    with AlenStore(url) as store:
        store.put(("a",), "k", {"text": "kiln"})
        assert [(item.key, item.score) for item in store.search(("a",), query="anything")] == [("k", None)]


def test_a_user_can_be_erased(tmp_path: Path) -> None:
    with AlenStore(f"sqlite:///{tmp_path / 'memory.db'}", index=index()) as store:
        store.put(("users", "7"), "name", {"text": "Ilse Halden"})
        store.put(("users", "8"), "name", {"text": "Tomas Reyk"})
        assert store.memory.erase(whole=True, namespace="langgraph/users/7").episodes == 1
        assert store.list_namespaces() == [("users", "8")]
        assert store.search((), query="Halden")[0].key == "name"
    left = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Halden" not in left
    assert b"Reyk" in left


def test_what_is_wrong_is_told(store: AlenStore, url: str) -> None:
    with pytest.raises(BadInput, match="'k'"):
        store.put(("a",), "k", {"at": object()})
    store.put(("a",), "k", {"n": 1})
    with pytest.raises(BadInput, match=r"\$near"):
        store.search(("a",), filter={"n": {"$near": 1}})
    assert store.search(("a",), filter={"n": {"$gt": "text"}}) == []
    with pytest.raises(InvalidNamespaceError):
        store.put((), "k", {})
    with pytest.raises(BadInput, match="dims"):
        AlenStore(url, index=index(dims=7))
    with pytest.raises(BadInput, match="operation"):
        store.batch(["get"])  # type: ignore[list-item]  # what a caller without types may do


async def test_many_tasks_at_once(store: AlenStore) -> None:
    await asyncio.gather(*(store.aput(("a", str(n % 4)), f"k{n}", {"text": f"kiln {n}"}) for n in range(40)))
    found = await store.asearch(("a",), query="kiln", limit=99)
    assert len(found) == 40
    assert await store.abatch([GetOp(("a", "1"), "k1"), GetOp(("a", "1"), "k2")]) == [
        await store.aget(("a", "1"), "k1"),
        None,
    ]
    await store.adelete(("a", "1"), "k1")
    assert len(await store.alist_namespaces(prefix=("a",))) == 4
