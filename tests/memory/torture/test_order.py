"""A writer that is slow to commit does not make readers pass over what it wrote, though others come after it."""

from __future__ import annotations

import threading
import time

from alen.memory import EpisodicMemory, episode_rows, log, namespaces
from alen.memory.episode_rows import Taught
from tests.memory.conftest import BOTH
from tests.memory.torture import life

pytestmark = BOTH


def insert(memory: EpisodicMemory, question: str, begun: threading.Event, pause: float) -> None:
    """As ``remember`` does it, and then it takes its time."""
    row = Taught(question, "Yes.")
    with memory._store.writing() as connection:
        number = namespaces.ensure(connection, "default")
        episode_rows.insert(connection, life.OLD, number, [row], list(life.OLD.encode([question])))
        begun.set()
        time.sleep(pause)


def test_a_lower_number_that_commits_late_is_not_passed_over(url: str) -> None:
    with (
        EpisodicMemory.open(url, encoder=life.OLD) as slow,
        EpisodicMemory.open(url, encoder=life.OLD) as quick,
        EpisodicMemory.open(url, encoder=life.OLD) as reader,
    ):
        reader.remember(question="First?", answer="Yes.")
        begun, second = threading.Event(), threading.Event()
        slow_thread = threading.Thread(target=insert, args=(slow, "Slow one?", begun, 0.3))
        slow_thread.start()
        assert begun.wait(10)
        quick_thread = threading.Thread(target=insert, args=(quick, "Quick one?", second, 0.0))
        quick_thread.start()
        seen = []
        while quick_thread.is_alive() or slow_thread.is_alive():
            hits = reader.recall("one?", 5, mode="dense")
            with reader._store.reading() as connection:
                seen.append((log.last(connection, 1), {hit.episode.question for hit in hits}))
            time.sleep(0.02)
        slow_thread.join()
        quick_thread.join()
        assert seen
        assert not any("Quick one?" in found and "Slow one?" not in found for _, found in seen)
        assert {hit.episode.question for hit in reader.recall("one?", 5, mode="dense")} == {
            "First?",
            "Slow one?",
            "Quick one?",
        }
        assert reader.verify("deep").problems == ()


def test_a_write_that_is_undone_leaves_no_gap_that_anybody_waits_at(url: str) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory, EpisodicMemory.open(url, encoder=life.OLD) as reader:
        memory.remember(question="First?", answer="Yes.")
        assert reader.recall("First?", 1)[0].exact
        try:
            with memory._store.writing() as connection:
                undone = [Taught("Undone?", "Yes.")]
                episode_rows.insert(connection, life.OLD, 1, undone, list(life.OLD.encode(["Undone?"])))
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        memory.remember(question="Second?", answer="Yes.")
        assert reader.recall("Second?", 1)[0].exact
        assert "Undone?" not in {hit.episode.question for hit in reader.recall("Undone?", 5, mode="dense")}
        assert reader.verify("deep").problems == ()
