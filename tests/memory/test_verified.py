"""What ALEN said itself: promoted when it earned a tier, taken back with all that rests on it."""

from __future__ import annotations

from typing import Any

import pytest

from alen.errors import BadInput, UnknownEpisode
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH

pytestmark = BOTH


def said(question: str, answer: str | None, *rests_on: str, confidence: float = 0.8) -> dict[str, Any]:
    evidence = [{"id": uid, "kind": "episode"} for uid in rests_on]
    return {"question": question, "answer": answer, "confidence": confidence, "evidence": evidence, "candidates": []}


def test_an_answer_is_recalled_once_it_has_earned_it(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(said("Where is the bell?", "In the tower"))
    assert memory.recall("Where is the bell?") == []
    assert [row["id"] for row in memory.unverified()] == [uid]
    assert memory.promote([uid], "certified") == 1
    [hit] = memory.recall("Where is the bell?")
    assert (hit.episode.tier, hit.episode.source, hit.exact) == ("certified", "model", True)
    assert memory.unverified() == []
    assert memory.promote([uid], "proved") == 0
    assert memory.verify("deep").ok


def test_a_person_alone_makes_gold(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(said("Where is the bell?", "In the tower"))
    with pytest.raises(BadInput, match="feedback"):
        memory.promote([uid], "gold")
    with pytest.raises(UnknownEpisode):
        memory.promote([uid, "nobody"], "certified")
    assert len(memory.unverified()) == 1


def test_an_abstention_is_nothing_to_promote(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(said("Where is the bell?", None, confidence=0.2))
    assert memory.unverified() == []
    assert memory.promote([uid], "certified") == 0


def test_what_rests_on_a_wrong_fact_falls_with_it(memory: EpisodicMemory) -> None:
    """A hundred answers in chains of ten, all from one planted fact."""
    wrong = memory.remember(question="Who built the bell?", answer="Nobody")
    right = memory.remember(question="Who rings the bell?", answer="Ilse")
    children: list[str] = []
    for chain in range(10):
        parent = wrong
        for link in range(10):
            parent = memory.record_answer(said(f"Question {chain} {link}?", f"Because of {chain} {link}", parent))
            children.append(parent)
    memory.promote(children, "certified")
    other = memory.record_answer(said("Who comes on Sunday?", "Ilse", right))
    memory.promote([other], "certified")
    assert set(memory.descendants(wrong)) == set(children)
    assert memory.retract(wrong) == 100
    assert memory.descendants(wrong) == []
    assert all(memory.get(uid).status == "quarantined" for uid in children)
    assert [hit for n in range(10) for hit in memory.recall(f"Question 3 {n}?") if hit.episode.id in children] == []
    assert memory.recall("Who comes on Sunday?")[0].episode.id == other
    assert memory.verify("deep").ok


def test_called_wrong_takes_along_what_rests_on_it(memory: EpisodicMemory) -> None:
    wrong = memory.remember(question="Who built the bell?", answer="Nobody")
    child = memory.record_answer(said("Is the bell anybody's work?", "Nobody's", wrong))
    memory.feedback(child, True)
    grandchild = memory.record_answer(said("Whose is it then?", "Nobody's", child))
    memory.feedback(wrong, False, "Ada")
    assert [memory.get(uid).status for uid in (wrong, child, grandchild)] == ["quarantined"] * 3
    assert memory.recall("Who built the bell?")[0].episode.answer == "Ada"


def test_what_was_called_wrong_is_told_with_the_question(memory: EpisodicMemory) -> None:
    uid = memory.record_answer(said("Where is the bell?", "In the cellar"))
    memory.feedback(uid, False)
    assert memory.recollect("where is the bell").refused == ("In the cellar",)
    assert memory.recollect("Where is the door?").refused == ()
    # A person who teaches it after all has the last word.
    memory.remember(question="Where is the bell?", answer="In the cellar")
    assert memory.recollect("Where is the bell?").refused == ()


def test_what_holds_is_told_oldest_first(memory: EpisodicMemory) -> None:
    first = memory.remember(question="Where is the bell?", answer="In the tower")
    second = memory.remember(question="Who rings it?", answer="Ann")
    own = memory.record_answer(said("What is 2 + 2?", "4"))
    memory.remember(question="Who is here?", answer="Tom", ttl=1e-9)
    assert [row["id"] for row in memory.established()] == [first, second]
    memory.promote([own], "proved")
    memory.retract(first)
    assert memory.established() == [
        {"id": second, "question": "Who rings it?", "answer": "Ann"},
        {"id": own, "question": "What is 2 + 2?", "answer": "4"},
    ]
    assert memory.established(namespace="other") == []


def test_an_erasure_takes_along_what_was_trained(memory: EpisodicMemory) -> None:
    assert memory.weights_folder(namespace="other") is None
    uid = memory.remember(question="Where is the bell?", answer="In the tower")
    memory.remember(question="Where is the bell?", answer="In the yard", namespace="other")
    folders = [memory.weights_folder(), memory.weights_folder(namespace="other")]
    for folder in folders:
        assert folder is not None
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"tower")
    memory.erase([uid])
    assert [folder is not None and folder.exists() for folder in folders] == [False, True]
    assert [receipt["finished"] for receipt in memory.receipts()] == [True]
