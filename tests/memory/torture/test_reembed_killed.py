"""A move to another encoder is killed again and again: it goes on where it was, recall answers all the while, and never
from vectors of two encoders."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.memory import EpisodicMemory, passages
from tests.memory.conftest import HashEncoder, drafts
from tests.memory.torture import children, life
from tests.memory.torture.counts import REEMBED_KILLS

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
pytestmark = pytest.mark.usefixtures("low")

ROWS = 60
AT_ONCE = 7
"""So that a move takes many transactions."""


class Slow(HashEncoder):
    """As the new one, at the pace of a model."""

    def encode(self, texts: list[str]) -> np.ndarray:
        time.sleep(0.002 * len(texts))
        return super().encode(texts)


def question(number: int) -> str:
    return f"Where does gauge {number} hang?"


@pytest.fixture(scope="module")
def stored(fast_folder: Path) -> Path:
    folder = fast_folder / "to be moved"
    folder.mkdir()
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        memory.remember_many([{"question": question(n), "answer": f"In hall {n}"} for n in range(ROWS)])
        memory.teach_passages("book", drafts(*(f"Kiln {n} is hot." for n in range(ROWS))), content_hash="1")
    return folder


def move(send: Callable[[Any], None], folder: Path) -> None:
    passages.BATCH = AT_ONCE
    with life.opened(life.place(folder)) as memory:
        if memory.stats()["encoder"]["dim"] == life.NEW.dim:
            memory.checkpoint()
            send("over")
            return
        send("begun")
        memory.reembed(Slow(life.NEW.dim, "new"), progress=lambda what, done, total: send(total - done))
        send("over")


def answers(folder: Path) -> None:
    with life.opened(life.place(folder)) as memory:
        dim = memory.stats()["encoder"]["dim"]
        for n in range(0, ROWS, 7):
            best = memory.recall(question(n), 1, mode="dense")[0]
            assert best.episode.answer == f"In hall {n}"
            assert best.score == pytest.approx(1.0, abs=2e-3)
            assert memory.recollect(f"Kiln {n} is hot.", passages=1).passages[0].passage.text == f"Kiln {n} is hot."
        with memory._store.reading() as connection:
            active = "SELECT id FROM embedding_space WHERE state = 'active'"
            sql = f"SELECT length(vec) FROM embedding WHERE space_id IN ({active})"
            assert set(connection.exec_driver_sql(sql).scalars()) == {2 * dim}
        assert memory.verify("deep").problems == ()


def test_a_move_that_is_killed_goes_on(stored: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    kills = moves = 0
    while kills < REEMBED_KILLS:
        folder = tmp_path / str(moves)
        shutil.copytree(stored, folder)
        moves, left, over = moves + 1, 10**9, False
        while not over:
            child = children.Child(move, folder)
            child.receive()
            until = time.monotonic() + chance.uniform(0.0, 0.15)
            while child.process.is_alive() and time.monotonic() < until:
                time.sleep(0.002)
            kills += child.kill() != 0
            over = "over" in child.sent
            told = [message for message in child.sent if isinstance(message, int)]
            # What was done stays done: there is never more to do than there was.
            assert all(later <= earlier for earlier, later in zip([left, *told], told, strict=False))
            left = min([left, *told])
            answers(folder)
        with life.opened(life.place(folder)) as memory, memory._store.reading() as connection:
            assert memory.stats()["encoder"]["dim"] == life.NEW.dim
            assert set(connection.exec_driver_sql("SELECT state FROM embedding_space").scalars()) <= {
                "active",
                "retired",
            }
        shutil.rmtree(folder)


class Meddling(HashEncoder):
    """While texts are being embedded for it, somebody changes one that was embedded already."""

    def __init__(self, change: Callable[[], Any], after: int) -> None:
        super().__init__(life.NEW.dim, "new")
        self.change, self.left = change, after

    def encode(self, texts: list[str]) -> np.ndarray:
        vectors_ND = super().encode(texts)
        self.left -= 1
        if self.left == 0:
            self.change()
        return vectors_ND


@pytest.mark.parametrize("after", [1, 2, 6])
def test_what_is_changed_during_a_move_is_embedded_as_it_is_now(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(passages, "BATCH", AT_ONCE)
    folder = tmp_path / "copy"
    shutil.copytree(stored, folder)
    with (
        EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory,
        EpisodicMemory.open(life.place(folder), encoder=life.OLD) as other,
    ):
        uid = other.remember(question=question(1), answer="In hall 1")
        new = "Who repaired the ferry engine?"
        memory.reembed(Meddling(lambda: other.update(uid, question=new), after))
        best = memory.recall(new, 1, mode="dense")[0]
        assert best.episode.id == uid
        assert best.score == pytest.approx(1.0, abs=2e-3)


def test_what_is_changed_between_two_tries_is_embedded_as_it_is_now(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "BATCH", AT_ONCE)
    folder = tmp_path / "copy"
    shutil.copytree(stored, folder)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        uid = memory.remember(question=question(1), answer="In hall 1")
        with pytest.raises(KeyboardInterrupt):
            memory.reembed(Meddling(interrupt, 9))
        new = "Who repaired the ferry engine?"
        memory.update(uid, question=new)
        memory.reembed(life.NEW)
        best = memory.recall(new, 1, mode="dense")[0]
        assert best.episode.id == uid
        assert best.score == pytest.approx(1.0, abs=2e-3)


def test_what_was_set_aside_moves_too(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(stored, folder)
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        kept = memory.remember(question="Who mends the ferry?", answer="Ilse.")
        twin = memory.remember(question="Who mends the ferry?", answer="Ilse.", context="asked again")
        assert memory.merge(dry_run=False)[0].folded == (twin,)
        old = memory.remember(question="Who leads the guild?", answer="Ilse Brandt")
        then = memory.get(old).created_at
        memory.supersede(old, memory.remember(question="Who leads the guild?", answer="Tomas Reyk"))
        memory.reembed(life.NEW)
        found = memory.recall("Who led the guild?", 3, mode="dense", as_of=then)
        assert old in {hit.episode.id for hit in found}
        assert memory.unmerge(kept) == [twin]
        found = memory.recall("Who mends the ferry?", 2, mode="dense")
        assert {hit.episode.id for hit in found} == {kept, twin}
        assert memory.verify("deep").problems == ()
