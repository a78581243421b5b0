"""What one process has committed the other finds at its next call, every time."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH, drafts
from tests.memory.torture import children, life
from tests.memory.torture.counts import HANDOVERS

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
pytestmark = BOTH


def question(number: int) -> str:
    return f"Which bell rings at {number}?"


def teach(send: Callable[[Any], None], url: str, turns: Connection) -> None:
    """In turns with who asks: insert, change, take away."""
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        for number in range(HANDOVERS):
            kind = number % 4
            if kind == 0:
                uid = memory.remember(question=question(number), answer=f"Bell {number}")
            elif kind == 1:
                memory.update(uid, question=question(number))
            elif kind == 2:
                memory.teach_passages(f"note {number}", drafts(f"Note {number} rings."), content_hash="1")
            else:
                memory.delete(uid)
            send(number)
            turns.recv()


def test_a_commit_is_seen_at_the_next_call(url: str) -> None:
    ours, theirs = children.CONTEXT.Pipe()
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember(question=question(10**9), answer="Another")
        child = children.Child(teach, url, theirs)
        for number in range(HANDOVERS):
            child.receive()
            assert child.sent.pop() == number
            kind = number % 4
            if kind == 2:
                found = memory.recollect(f"Note {number} rings.", passages=1).passages
                assert [hit.passage.source for hit in found] == [f"note {number}"]
            else:
                hits = memory.recall(question(number - kind // 3 * 2), 1, mode=("dense", "hybrid")[number // 4 % 2])
                asked = hits[0].episode.question
                assert (asked == question(number)) if kind < 2 else (asked == question(10**9)), number
            ours.send("next")
        assert child.finish() == 0
        assert memory.verify("deep").problems == ()


def test_a_store_that_was_empty_when_it_was_opened(url: str) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as early:
        assert early.recall(question(1), 1) == []
        with EpisodicMemory.open(url, encoder=life.OLD) as late:
            late.remember(question=question(1), answer="Bell")
        assert early.recall(question(1), 1)[0].exact
