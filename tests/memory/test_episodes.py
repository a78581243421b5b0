"""Taught and asked episodes, and what feedback makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from alen.errors import BadInput, UnknownEpisode
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH, drafts

pytestmark = BOTH


def answer(question: str, text: str | None, *evidence: dict[str, Any]) -> dict[str, Any]:
    return {"question": question, "answer": text, "confidence": 0.8, "decision": "answer", "evidence": list(evidence)}


def recalled(memory: EpisodicMemory, question: str) -> list[str | None]:
    return [hit.episode.answer for hit in memory.recollect(question).episodes]


def test_the_same_fact_is_one_episode(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the key?", answer="In the jar", tags=["house", "key"])
    assert memory.remember(question="where is  the KEY?", answer="in the jar") == uid
    assert memory.remember(question="Where is the key?", answer="In the jar", context="at home") != uid
    assert memory.remember(question="Where is the key?", answer="In the jar", namespace="other") != uid
    episode = memory.recollect("Where is the key").episodes
    assert {hit.episode.tags for hit in episode} == {(), ("house", "key")}
    assert all(hit.exact for hit in episode)


def test_many_at_once(memory: EpisodicMemory) -> None:
    rows = [{"question": f"What is kiln {number}?", "answer": f"Number {number}"} for number in range(300)]
    seen: list[int] = []
    first = memory.remember_many([*rows, rows[0]], progress=lambda stage, done, total: seen.append(done))
    assert (first.stored, first.duplicates) == (300, 1)
    assert seen == [256, 301]
    assert memory.remember_many(rows).duplicates == 300
    assert recalled(memory, "What is kiln 77?")[0] == "Number 77"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"question": " ", "answer": "x"}, "row 2, question"),
        ({"question": "x", "answer": ""}, "row 2, answer"),
        ({"question": "x", "answer": "y", "tier": "best"}, "row 2, tier"),
        ({"question": "x", "answer": "y", "confidence": 2}, "row 2, confidence"),
        ({"question": "x", "answer": "y", "colour": "red"}, "row 2"),
        ({"question": "x"}, "row 2"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_stored(memory: EpisodicMemory, row: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        memory.remember_many([{"question": "Where?", "answer": "There"}, row])
    assert caught.value.field == field
    assert memory.stats()["episodes"]["gold"] == 0


@pytest.mark.parametrize(("tier", "found"), [("gold", 1), ("proved", 1), ("certified", 1), ("unverified", 0)])
def test_only_verified_tiers_are_recalled(memory: EpisodicMemory, tier: Any, found: int) -> None:
    memory.remember(question="Where is the key?", answer="In the jar", tier=tier)
    assert len(memory.recollect("Where is the key?").episodes) == found
    assert memory.stats()["episodes"][tier] == 1


def test_an_answer_is_kept_but_not_recalled_until_confirmed(memory: EpisodicMemory) -> None:
    memory.remember(question="Who lights the kiln?", answer="Hanne")
    uid = memory.record_answer(answer("Where is the key?", "In the jar"), session="s1")
    assert recalled(memory, "Where is the key?") == ["Hanne"]
    assert memory.show(uid)["detail"]["decision"] == "answer"
    assert memory.feedback(uid, True) == {"status": "gold"}
    assert recalled(memory, "where is the key")[0] == "In the jar"
    assert memory.show(uid)["tier"] == "gold"


def test_confirming_twice_or_a_known_fact_recalls_it_once(memory: EpisodicMemory) -> None:
    memory.remember(question="Where is the key?", answer="In the jar")
    for _ in range(2):
        uid = memory.record_answer(answer("Where is the key?", "In the jar"))
        memory.feedback(uid, True)
        memory.feedback(uid, True)
    assert recalled(memory, "Where is the key?") == ["In the jar"]


def test_a_wrong_answer_is_set_aside_with_what_claimed_it_and_corrected(memory: EpisodicMemory) -> None:
    taught = memory.remember(question="Where is the spare key kept?", answer="In the jar")
    evidence = {"kind": "episode", "id": taught}
    uid = memory.record_answer(answer("Where is the key?", "in the jar.", evidence))
    given = memory.feedback(uid, False, "On the hook")
    assert given["status"] == "quarantined"
    assert recalled(memory, "Where is the key?") == ["On the hook"]
    assert memory.show(taught)["status"] == "superseded"
    assert memory.show(uid)["status"] == "quarantined"
    assert memory.show(given["correction"])["detail"] == {"corrects": uid}


def test_a_quarantined_fact_stays_so_when_taught_again_until_confirmed(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the key?", answer="In the jar")
    assert memory.feedback(uid, False) == {"status": "quarantined"}
    assert memory.remember(question="Where is the key?", answer="In the jar") == uid
    assert recalled(memory, "Where is the key?") == []
    memory.feedback(uid, True)
    assert recalled(memory, "Where is the key?") == ["In the jar"]


def test_what_was_taught_or_called_wrong_counts_under_either_wording(memory: EpisodicMemory) -> None:
    said, plain = "Tell me: which hook holds it?", "which hook holds it?"
    memory.remember(question=said, answer="The third")
    wrong = memory.record_answer(answer(said, "The first"))
    memory.feedback(wrong, False)
    found = memory.recollect(plain, asked=said)
    assert [hit.score for hit in found.episodes if hit.episode.answer == "The third"] == [1.0]
    assert found.refused == ("The first",)
    alone = memory.recollect(plain)
    assert alone.refused == ()
    assert all(hit.score < 1 for hit in alone.episodes)


def test_a_correction_that_was_known_is_confirmed(memory: EpisodicMemory) -> None:
    right = memory.remember(question="Where is the key?", answer="On the hook")
    memory.feedback(right, False)
    uid = memory.record_answer(answer("Where is the key?", "In the jar"))
    assert memory.feedback(uid, False, "On the hook") == {"status": "quarantined", "correction": right}
    assert recalled(memory, "Where is the key?") == ["On the hook"]


def test_feedback_changes_with_the_mind(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(answer("Where is the key?", "In the jar"))
    memory.feedback(uid, True)
    memory.feedback(uid, False)
    assert recalled(memory, "Where is the key?") == []
    memory.feedback(uid, True)
    assert recalled(memory, "Where is the key?") == ["In the jar"]


def test_feedback_on_an_abstention(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(answer("Which bank?", None))
    assert memory.feedback(uid, True) == {"status": "gold"}
    assert recalled(memory, "Which bank?") == []
    memory.feedback(uid, False, "The Harbour Bank")
    assert recalled(memory, "Which bank?") == ["The Harbour Bank"]


def test_unknown_and_contradictory_feedback(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the key?", answer="In the jar")
    with pytest.raises(UnknownEpisode):
        memory.feedback("nothing", True)
    with pytest.raises(UnknownEpisode):
        memory.feedback(uid, True, namespace="other")
    with pytest.raises(BadInput, match="--wrong"):
        memory.feedback(uid, True, "In the oven")
    for name in ("nothing", "7", "p7", str(1 << 80)):
        with pytest.raises(UnknownEpisode):
            memory.show(name)


def test_what_an_answer_rests_on_is_kept(memory: EpisodicMemory) -> None:
    taught = memory.remember(question="Where is the key?", answer="In the jar")
    memory.teach_passages("a", drafts("The key is in the jar.", "The kiln is hot."), content_hash="1")
    evidence = [
        {"kind": "passage", "id": "1"},
        {"kind": "passage", "id": "p2"},
        {"kind": "passage", "id": "99"},
        {"kind": "episode", "id": taught},
        {"kind": "derivation", "id": "17 + 25"},
    ]
    memory.record_answer(answer("Where is it?", "In the jar", *evidence))
    with memory._store.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT parent_kind, parent_id FROM derived_from ORDER BY parent_kind, parent_id"
        )
        assert [tuple(row) for row in rows] == [("episode", 1), ("passage", 1), ("passage", 2)]
