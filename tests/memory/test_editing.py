"""What may be written into an episode, and what superseding leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from tests.memory.conftest import HashEncoder

QUESTION = "Who leads the guild?"


@pytest.mark.parametrize(
    "change", [{"expires_at": "soon"}, {"tags": "house"}, {"detail": "not an object"}, {"pinned": "yes"}]
)
def test_a_change_of_the_wrong_kind_is_refused(memory: EpisodicMemory, change: dict[str, Any]) -> None:
    uid = memory.remember(question=QUESTION, answer="Ilse Brandt")
    with pytest.raises(BadInput, match=next(iter(change))):
        memory.update(uid, **change)


def test_what_has_no_answer_can_be_pinned(memory: EpisodicMemory) -> None:
    uid = memory.record_answer({"question": QUESTION, "answer": None, "confidence": 0.1, "evidence": []})
    assert memory.update(uid, pinned=True).answer is None


def test_superseding_there_and_back_leaves_one_that_holds(memory: EpisodicMemory) -> None:
    first = memory.remember(question=QUESTION, answer="Ilse Brandt")
    second = memory.remember(question=QUESTION, answer="Tomas Reyk")
    memory.supersede(first, second)
    memory.supersede(second, first)
    assert [hit.episode.answer for hit in memory.recall(QUESTION)] == ["Ilse Brandt"]


def test_history_has_every_version_of_what_supersedes(memory: EpisodicMemory) -> None:
    old = memory.remember(question=QUESTION, answer="Ilse Brandt")
    new = memory.remember(question=QUESTION, answer="Tomas Reyk")
    memory.supersede(old, new)
    assert [version["version"] for version in memory.history(new)] == [1, 2]


def test_half_a_character_is_refused(memory: EpisodicMemory) -> None:
    with pytest.raises(BadInput, match="question"):
        memory.remember(question="Who \ud800 leads?", answer="Ilse Brandt")


def test_a_dense_score_is_in_its_range(memory: EpisodicMemory, encoder: HashEncoder) -> None:
    memory.remember(question=QUESTION, answer="Ilse Brandt")
    (opposite,) = -encoder.encode([QUESTION])
    (hit,) = memory.recall("Is the ferry late?", mode="dense", vector=opposite)
    assert 0.0 <= hit.score <= 1.0
