"""Corners in which an episode comes to say what another one says already."""

from __future__ import annotations

import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH
from tests.memory.torture import life

pytestmark = BOTH

ASKED = "Who has the watch?"


def shown(memory: EpisodicMemory) -> list[str | None]:
    return [hit.episode.answer for hit in memory.recall(ASKED, 5)]


def test_a_change_into_what_is_there_already(url: str) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember(question=ASKED, answer="Ilse")
        uid = memory.remember(question=ASKED, answer="Tomas")
        with pytest.raises(BadInput):
            memory.update(uid, answer="Ilse")
        assert memory.get(uid).answer == "Tomas"


def test_right_after_all_though_it_was_taught_again(url: str) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        first = memory.remember(question=ASKED, answer="Ilse")
        memory.supersede(first, memory.remember(question=ASKED, answer="Tomas"))
        again = memory.remember(question=ASKED, answer="Ilse")
        memory.feedback(first, False)
        assert shown(memory) == ["Tomas"]
        memory.feedback(first, True)
        assert shown(memory) == ["Ilse", "Tomas"]
        assert memory.get(first).status == "superseded"
        assert memory.get(again).status == "active"


@pytest.mark.parametrize("forgotten", [False, True])
def test_taught_again_after_it_has_run_out(url: str, forgotten: bool) -> None:
    """A person says it again: it holds again."""
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember(question=ASKED, answer="Ilse", ttl=-1.0)
        if forgotten:
            memory.forget(dry_run=False)
        memory.remember(question=ASKED, answer="Ilse")
        assert shown(memory) == ["Ilse"]


def test_twice_in_one_batch_is_as_twice_in_two(url: str) -> None:
    rows = [{"question": ASKED, "answer": "Ilse", "tags": [tag]} for tag in ("first", "second")]
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember_many(rows, namespace="one")
        for row in rows:
            memory.remember_many([row], namespace="two")
        tags = [memory.recall(ASKED, 1, namespace=name)[0].episode.tags for name in ("one", "two")]
        assert tags[0] == tags[1]
