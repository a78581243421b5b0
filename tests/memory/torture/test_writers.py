"""Many processes write at once: everything is there once, nobody is told that the database is locked, and who reads
never sees something go that was not taken away."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH
from tests.memory.torture import children, life
from tests.memory.torture.counts import ROWS_OF_A_WRITER, WRITERS

pytestmark = BOTH

FOR_EVER = 3600.0


def write(send: Callable[[Any], None], url: str, writer: int, count: int) -> None:
    """One row a transaction; every tenth is taken away again."""
    chance = random.Random(writer)
    left = set()
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        for number in range(count):
            uid = memory.remember(question=f"Row {number} of writer {writer}?", answer="Yes.")
            left.add(uid)
            if number % 10 == 9:
                taken = chance.choice(sorted(left))
                left.remove(taken)
                memory.delete(taken)
    send(sorted(left))


def read(send: Callable[[Any], None], url: str, folder: str) -> None:
    """Rows of the log only become more, and their numbers never appear behind ones that were seen before."""
    newest, count = 0, 0
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        while not os.path.exists(os.path.join(folder, "over")):
            with memory._store.reading() as connection:
                rows = connection.exec_driver_sql("SELECT count(*), coalesce(max(seq), 0) FROM memory_log").one()
                older = f"SELECT count(*) FROM memory_log WHERE seq <= {newest}"
                assert connection.exec_driver_sql(older).scalar() == count
            count, newest = rows
            memory.recall("Row 3 of writer 1?", 3)
            time.sleep(0.01)
    send(count)


def test_everything_is_there_once(url: str, tmp_path: Any) -> None:
    EpisodicMemory.open(url, encoder=life.OLD).close()
    readers = [children.Child(read, url, str(tmp_path)) for _ in range(2)]
    writers = [children.Child(write, url, writer, ROWS_OF_A_WRITER) for writer in range(WRITERS)]
    left: list[str] = []
    for writer in writers:
        assert writer.finish(FOR_EVER) == 0
        left += writer.sent.pop()
    (tmp_path / "over").touch()
    for reader in readers:
        assert reader.finish(FOR_EVER) == 0
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        with memory._store.reading() as connection:
            stored = list(connection.exec_driver_sql("SELECT uid FROM episode").scalars())
        assert len(left) == WRITERS * (ROWS_OF_A_WRITER - ROWS_OF_A_WRITER // 10)
        assert sorted(stored) == sorted(left)
        assert memory.verify("deep").problems == ()


def same(send: Callable[[Any], None], url: str) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        send([memory.remember(question=f"Row {number}?", answer="Yes.") for number in range(30)])


def test_the_same_from_many_is_stored_once(url: str) -> None:
    """And everybody is given the same id."""
    writers = [children.Child(same, url) for _ in range(3)]
    assert [writer.finish() for writer in writers] == [0, 0, 0]
    assert len({tuple(writer.sent[0]) for writer in writers}) == 1
