"""After much was deleted and changed, every row that is left is found by its own vector, and the nearest are found as
well as before."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from alen.memory import EpisodicMemory
from alen.memory.index import planning
from alen.memory.sealer import Sealer
from tests.memory.torture import life
from tests.memory.torture.counts import CHURNED, times

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

DIM = 32
K, QUESTIONS = 10, 100
LOST_AT_MOST = times(0.01, 0.02)
"""Of the recall that was there before, or that is promised where it was better; few rows say less about it."""


class Table:
    """An encoder that looks vectors up: clustered, as those of texts are."""

    name, dim, fingerprint = "table", DIM, "table"

    def __init__(self) -> None:
        self.known: dict[str, np.ndarray] = {}
        self.chance = np.random.default_rng(3)
        self.centres = self.chance.standard_normal((40, DIM))

    def encode(self, texts: list[str]) -> np.ndarray:
        for text in texts:
            if text not in self.known:
                moved = self.centres[self.chance.integers(0, 40)] + 0.4 * self.chance.standard_normal(DIM)
                self.known[text] = (moved / np.linalg.norm(moved)).astype(np.float16).astype(np.float32)
        return np.stack([self.known[text] for text in texts])


class Churn:
    """A memory, and what should be in it."""

    def __init__(self, folder: Path) -> None:
        self.table = Table()
        self.memory = EpisodicMemory.open(life.place(folder), encoder=self.table)
        self.live: dict[str, str] = {}

    def add(self, count: int, name: str) -> None:
        rows = [{"question": f"{name} {n}?", "answer": "Yes."} for n in range(count)]
        self.memory.remember_many(rows)
        with self.memory._store.reading() as connection:
            stored = connection.exec_driver_sql("SELECT uid, question FROM episode").all()
        self.live |= {uid: question for uid, question in stored if question.startswith(name)}

    def drop(self, uids: list[str]) -> None:
        self.memory.delete(uids)
        for uid in uids:
            del self.live[uid]

    def recall(self) -> float:
        """recall@10 of questions that nobody has asked before, against an exact comparison of all that live."""
        uids = list(self.live)
        stored_ND = np.stack([self.table.known[self.live[uid]] for uid in uids])
        hits = 0
        for number in range(QUESTIONS):
            text = f"new {len(self.table.known)} {number}"
            scores_N = stored_ND @ self.table.encode([text])[0]
            least = np.sort(scores_N)[-K]
            found = {hit.episode.id for hit in self.memory.recall(text, K, mode="dense")}
            assert found <= self.live.keys()
            hits += sum(scores_N[place] >= least - 1e-3 for place, uid in enumerate(uids) if uid in found)
        return hits / (QUESTIONS * K)

    def everyone_finds_itself(self) -> None:
        for uid, question in self.live.items():
            found = [hit.episode.id for hit in self.memory.recall(question, 3, mode="dense")]
            assert uid in found, question

    def is_sound(self, baseline: float) -> None:
        assert self.memory.verify("deep").problems == ()
        assert self.recall() >= min(baseline, planning.RECALL) - LOST_AT_MOST


@pytest.fixture
def churn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Churn:
    monkeypatch.setattr(planning, "SEAL_FROM", CHURNED // 4)
    return Churn(tmp_path)


def test_half_is_deleted_and_a_third_is_changed(churn: Churn) -> None:
    chance = random.Random(1)
    with churn.memory as memory:
        churn.add(CHURNED, "first")
        assert memory.checkpoint()["question"]["rows"] == CHURNED
        baseline = churn.recall()
        churn.drop(chance.sample(sorted(churn.live), CHURNED // 2))
        for uid in chance.sample(sorted(churn.live), int(CHURNED * 0.3)):
            churn.live[uid] = f"changed {uid}?"
            memory.update(uid, question=churn.live[uid])
        churn.everyone_finds_itself()
        memory.checkpoint()
        churn.everyone_finds_itself()
        churn.is_sound(baseline)


@pytest.mark.parametrize("seal_again", [True, False])
def test_more_and_more_is_deleted(churn: Churn, monkeypatch: pytest.MonkeyPatch, seal_again: bool) -> None:
    chance = random.Random(2)
    with churn.memory as memory:
        churn.add(CHURNED, "first")
        memory.checkpoint()
        if not seal_again:
            monkeypatch.setattr(planning, "SEAL_FROM", CHURNED)
        baseline = churn.recall()
        for share in (0.1, 0.25, 0.5, 0.75, 0.9):
            left = int(CHURNED * (1 - share))
            churn.drop(chance.sample(sorted(churn.live), len(churn.live) - left))
            churn.is_sound(baseline)
        churn.everyone_finds_itself()


def test_all_but_a_few_and_then_all_is_deleted(churn: Churn) -> None:
    with churn.memory as memory:
        churn.add(CHURNED, "first")
        memory.checkpoint()
        churn.drop(sorted(churn.live)[5:])
        memory.checkpoint()
        assert memory.checkpoint()["question"]["rows"] == 5
        churn.everyone_finds_itself()
        assert memory.verify("deep").problems == ()
        churn.drop(list(churn.live))
        assert memory.recall("first 3?", 5, mode="dense") == []
        churn.add(20, "second")
        churn.everyone_finds_itself()
        assert memory.verify("deep").problems == ()


def test_an_index_of_nothing_is_given_up(churn: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not made anew at every recall."""
    with churn.memory as memory:
        churn.add(CHURNED, "first")
        memory.checkpoint()
        churn.drop(list(churn.live))
        memory.checkpoint()
        begun: list[Sealer] = []
        monkeypatch.setattr(Sealer, "begin", begun.append)
        assert memory.recall("first 3?", 5, mode="dense") == []
        assert begun == []
