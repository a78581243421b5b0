"""A memory that grows seals its vectors by itself, in the background, and finds the same as before."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.memory import EpisodicMemory, log
from alen.memory.index import faiss_guard, files, planning, sealing
from tests.memory.conftest import BOTH, HashEncoder

pytestmark = [BOTH, pytest.mark.skipif(not faiss_guard.installed(), reason="faiss is not installed")]

ROWS = 600


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 300)
    monkeypatch.setattr(planning, "QUESTIONS", 100)
    monkeypatch.setenv("ALEN_HOME", str(tmp_path / "home"))


def rows(start: int, end: int) -> list[dict[str, str]]:
    return [{"question": f"What does gauge {n} show?", "answer": f"It shows {n}."} for n in range(start, end)]


def scores(memory: EpisodicMemory, vector_D: np.ndarray) -> np.ndarray:
    return np.array([hit.score for hit in memory.recall("", 10, mode="dense", vector=vector_D)])


def test_sealed_while_it_is_used(url: str, encoder: HashEncoder) -> None:
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, ROWS))
        standing = memory.checkpoint()["question"]
        assert standing["rows"] == ROWS
        assert standing["recall"] >= planning.RECALL
        questions_ND = encoder.encode([f"gauge {n} show" for n in range(50)])
        tenth_N = exactly(questions_ND)
        pairs = zip(questions_ND, tenth_N, strict=True)
        shares = [np.mean(scores(memory, query_D) >= tenth - 2e-3) for query_D, tenth in pairs]
        assert np.mean(shares) >= 0.97
        # New ones are found at once, deleted ones never, whatever the index says.
        uid = memory.remember(question="Who has the brass key?", answer="Ada.")
        assert memory.recall("Who has the brass key?", 1, mode="dense")[0].episode.id == uid
        gone = memory.recall("What does gauge 7 show?", 1)[0].episode
        memory.delete(gone.id)
        assert gone.id not in [hit.episode.id for hit in memory.recall("What does gauge 7 show?", 50, mode="dense")]
        assert memory.verify("deep").ok


def test_what_has_changed_is_counted_once(memory: EpisodicMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often few change, and whatever others write meanwhile."""
    memory.remember_many(rows(0, planning.SEAL_FROM), namespace="another")
    begun: list[int] = []
    count = log.count

    def watched(connection: Any, namespace: int, item: str, seq: int) -> int:
        if item == "episode":
            begun.append(seq)
        return count(connection, namespace, item, seq)

    monkeypatch.setattr(log, "count", watched)
    for row in rows(0, 5):
        memory.remember_many([row])
    assert begun[0] == 0
    assert begun == sorted(set(begun))
    assert len(begun) == 5


def exactly(questions_ND: np.ndarray) -> np.ndarray:
    """The tenth best cosine to each question: many are alike here, and which of them come is no matter."""
    own_ND = HashEncoder().encode([row["question"] for row in rows(0, ROWS)])
    return np.sort(questions_ND @ own_ND.T, axis=1)[:, -10]


def test_closing_leaves_a_sealed_index(url: str, encoder: HashEncoder) -> None:
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, ROWS))
    with EpisodicMemory.open(url, encoder=encoder) as again:
        again.recall("gauge 3", 1, mode="dense")
        index = again._vectors._known[1][1].question
        assert index.sealed is not None
        assert len(index.delta) == 0


def test_it_is_made_anew_when_much_has_changed(url: str, encoder: HashEncoder) -> None:
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, ROWS))
        assert memory.checkpoint()["question"]["generation"] == 1
        memory.remember_many(rows(ROWS, ROWS + 100))
        assert memory.checkpoint()["question"]["generation"] == 1
        memory.remember_many(rows(ROWS + 100, ROWS + 400))
        standing = memory.checkpoint()["question"]
        assert (standing["generation"], standing["rows"]) == (2, ROWS + 400)
        assert memory.verify("deep").ok


def test_an_older_snapshot_does_not_condemn_a_newer_index(url: str, encoder: HashEncoder) -> None:
    """Another process sealed after this one began to read: the index is in order, this reader is only behind."""
    with EpisodicMemory.open(url, encoder=encoder) as memory, EpisodicMemory.open(url, encoder=encoder) as other:
        memory.remember_many(rows(0, ROWS))
        memory.checkpoint()
        with other._store.reading() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM episode")
            memory.remember_many(rows(ROWS, 2 * ROWS))
            assert memory.checkpoint()["question"]["generation"] == 2
            vectors = other._vectors.refreshed(connection, "default")
            assert vectors is not None
            assert vectors.question.sealed is not None
            assert vectors.question.sealed.manifest.generation == 2
        assert other.verify("deep").ok


def test_what_was_sealed_in_the_background_is_not_sealed_again(url: str, encoder: HashEncoder) -> None:
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, ROWS))
        memory.checkpoint()
        memory.remember_many(rows(ROWS, 2 * ROWS))
        memory._vectors.close()
        sealer = memory._vectors._known[1][1].sealers["question"]
        assert sealer.standing()["rows"] == 2 * ROWS
        memory.recall("gauge 3", 1, mode="dense")
        assert not sealer.busy
        assert memory.checkpoint()["question"]["generation"] == 2


def test_many_that_nobody_asks_for_are_sealed_seldom(url: str, encoder: HashEncoder) -> None:
    """Half as many again must have come; the first question makes up for it."""
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, 4 * ROWS))
        assert memory.checkpoint()["question"]["generation"] == 1
        memory.remember_many(rows(4 * ROWS, 5 * ROWS))
        memory._vectors.close()
        assert memory._vectors._known[1][1].sealers["question"].standing()["generation"] == 1
        memory.recall("gauge 3", 1, mode="dense")
        memory._vectors.close()
        assert memory._vectors._known[1][1].sealers["question"].standing()["generation"] == 2


def test_a_checkpoint_looks_again_after_what_was_under_way(
    url: str, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, more = sealing._built, []
    with EpisodicMemory.open(url, encoder=encoder) as memory:

        def built_late(*arguments: Any) -> Any:
            if not more:
                more.append(True)
                memory.remember_many(rows(ROWS, 3 * ROWS))
            return built(*arguments)

        monkeypatch.setattr(sealing, "_built", built_late)
        memory.remember_many(rows(0, ROWS))
        while not more:
            time.sleep(0.01)
        assert memory.checkpoint()["question"]["rows"] == 3 * ROWS


def test_the_log_can_be_emptied_while_an_index_is_computed(
    url: str, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL has no such log")
    built, busy = sealing._built, []

    def built_slowly(*arguments: Any) -> Any:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
            busy.append(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        return built(*arguments)

    monkeypatch.setattr(sealing, "_built", built_slowly)
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows(0, ROWS))
        memory.checkpoint()
    assert busy
    assert not any(busy)


def test_a_check_does_not_take_a_newer_index_for_damage(
    url: str, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody seals between the look at the manifest and the look at its files, and removes these."""
    check, done = files.check, []
    with EpisodicMemory.open(url, encoder=encoder) as memory, EpisodicMemory.open(url, encoder=encoder) as other:
        memory.remember_many(rows(0, ROWS))
        memory.checkpoint()

        def check_late(folder: Path, manifest: files.Manifest, besides: str = "") -> None:
            if not done and not besides:
                done.append(manifest.generation)
                other.remember_many(rows(ROWS, 2 * ROWS))
                other.checkpoint()
            check(folder, manifest, besides)

        monkeypatch.setattr(files, "check", check_late)
        assert memory.verify("normal").problems == ()
        assert done == [1]
