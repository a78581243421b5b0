"""Episodes under keys of the caller's own, on both databases."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from alen.memory.identity import later
from alen.memory.keyed import KeyedEpisodes, key_of, occupied
from tests.memory.conftest import BOTH, HashEncoder

pytestmark = BOTH


def row(text: str, **more: Any) -> dict[str, Any]:
    return {"question": text, "answer": text, **more}


@pytest.fixture
def keyed(memory: EpisodicMemory) -> KeyedEpisodes:
    return KeyedEpisodes(memory)


def found_by(memory: EpisodicMemory, text: str) -> list[str | None]:
    return [key_of(hit.episode) for hit in memory.recall(text, 20, mode="dense")]


def test_what_is_put_again_takes_the_place_of_what_was_there(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    keyed.put({"a": row("a red ferry"), "b": row("a blue barge")})
    before = keyed.get(["a"])["a"]
    time.sleep(0.01)
    keyed.put({"a": row("a green canoe", detail={"n": 1})})
    after = keyed.get(["a", "b", "c"])
    assert {key: each.question for key, each in after.items()} == {"a": "a green canoe", "b": "a blue barge"}
    assert after["a"].created_at == before.created_at
    assert after["a"].detail == {"n": 1, "key": "a"}
    assert sorted(found_by(memory, "a red ferry")) == ["a", "b"]
    assert memory.recall("a red ferry", mode="dense")[0].score < 0.9
    assert memory.recall("ferry", mode="lexical") == []
    assert memory.verify("deep").problems == ()


def test_keys_of_any_kind(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    keys = ["a", "A", "Straße", "STRASSE", " ", "", "k" * 5000, "100%", "'; DROP TABLE episode; --", "鍵"]
    keyed.put({key: row("the same text") for key in keys})
    assert set(keyed.get(keys)) == set(keys)
    assert sorted(map(str, found_by(memory, "the same text"))) == sorted(keys)
    assert keyed.delete(["A", "STRASSE", "not there"]) == 2
    assert set(keyed.get(keys)) == set(keys) - {"A", "STRASSE"}


def test_newest_comes_first_and_in_parts(keyed: KeyedEpisodes, memory: EpisodicMemory) -> None:
    memory.remember(question="no key at all", answer="none")
    keyed.put({f"k{n}": row(f"text {n}", also=[f"other {n}"]) for n in range(600)})
    keyed.put({"k7": row("text 7 again")})
    found = [key_of(each) for each in keyed.newest()]
    assert found == ["k7", *(f"k{n}" for n in range(599, -1, -1) if n != 7)]


def test_other_texts_find_it_too_and_go_with_it(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    keyed.put({"a": row("a red ferry", also=["a blue barge", "a blue barge"]), "b": row("a wooden spoon")})
    assert found_by(memory, "a blue barge")[:2] == ["a", "a"]
    assert keyed.get(["a"])["a"].question == "a red ferry"
    keyed.put({"a": row("a red ferry")})
    assert sorted(map(str, found_by(memory, "a blue barge"))) == ["a", "b"]
    keyed.put({"a": row("a red ferry", also=["a blue barge"])})
    assert keyed.delete(["a"]) == 1
    assert found_by(memory, "a blue barge") == ["b"]


def test_what_is_unverified_is_had_by_its_key_alone(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    keyed.put({"a": row("a red ferry", tier="unverified"), "b": row("a blue barge")})
    assert keyed.get(["a"])["a"].question == "a red ferry"
    assert found_by(memory, "a red ferry") == ["b"]
    assert list(keyed.vectors(keyed.uids(["a", "b"]))) == keyed.uids(["b"])


def test_what_has_run_out_is_not_there(keyed: KeyedEpisodes, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed.put({"a": row("a red ferry", ttl=60.0), "b": row("a blue barge", ttl=60.0)})
    keyed.renew({"b": 120.0})
    monkeypatch.setattr("alen.memory.keyed.now", lambda: later(90))
    assert set(keyed.get(["a", "b"])) == {"b"}
    assert [key_of(each) for each in keyed.newest()] == ["b"]
    keyed.put({"a": row("a red ferry")})
    assert set(keyed.get(["a", "b"])) == {"a", "b"}


def test_namespaces_are_apart(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    other = KeyedEpisodes(memory, "other")
    assert (other.get(["a"]), other.delete(["a"]), other.uids(["a"]), list(other.newest())) == ({}, 0, [], [])
    keyed.put({"a": row("a red ferry")})
    assert occupied(memory) == ["default"]
    other.put({"a": row("a blue barge")})
    assert occupied(memory) == ["default", "other"]
    keyed.delete(["a"])
    assert occupied(memory) == ["other"]
    assert other.get(["a"])["a"].question == "a blue barge"


def test_vectors_are_those_of_the_texts(memory: EpisodicMemory, keyed: KeyedEpisodes, encoder: HashEncoder) -> None:
    keyed.put({"a": row("a red ferry")})
    (uid,) = keyed.uids(["a"])
    np.testing.assert_allclose(keyed.vectors([uid, "unknown"])[uid], encoder.encode(["a red ferry"])[0], atol=1e-3)


def test_nothing_is_stored_when_one_row_is_wrong(keyed: KeyedEpisodes) -> None:
    for wrong, said in ((row(" "), "'b', question"), (row("x", detail={"at": object()}), "'b', detail")):
        with pytest.raises(BadInput, match=said):
            keyed.put({"a": row("a red ferry"), "b": wrong})
    with pytest.raises(BadInput, match="key"):
        keyed.put({7: row("a red ferry")})  # type: ignore[dict-item]  # what a caller without types may do
    assert list(keyed.newest()) == []


def test_erasing_by_key(memory: EpisodicMemory, keyed: KeyedEpisodes) -> None:
    keyed.put({"a": row("a red ferry", also=["a blue barge"]), "b": row("a wooden spoon")})
    assert memory.erase(keyed.uids(["a"])).episodes == 2
    assert keyed.get(["a"]) == {}
    assert found_by(memory, "a blue barge") == ["b"]
