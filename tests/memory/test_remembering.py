"""What comes with an episode when it is remembered, and what is not stored again."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH, HashEncoder, drafts

pytestmark = BOTH


def test_a_vector_that_is_known_is_not_made_again(memory: EpisodicMemory, encoder: HashEncoder) -> None:
    vector_D = encoder.encode(["an old kiln"])[0]
    encoder.encoded.clear()
    memory.remember(question="Which one is it?", answer="The old kiln.", vector=vector_D)
    assert encoder.encoded == []
    [hit] = memory.recall("irrelevant", 1, mode="dense", vector=vector_D)
    assert hit.episode.answer == "The old kiln."
    assert hit.score == pytest.approx(1.0, abs=1e-3)


def test_many_vectors_at_once(memory: EpisodicMemory, encoder: HashEncoder) -> None:
    rows = [{"question": f"Gauge {number}?", "answer": f"It shows {number}."} for number in range(700)]
    vectors_ND = encoder.encode([f"gauge word{number}" for number in range(700)])
    encoder.encoded.clear()
    assert memory.remember_many(rows, vectors=vectors_ND).stored == 700
    assert encoder.encoded == []
    for number in (0, 1, 333, 699):
        hits = memory.recall("", 3, mode="dense", vector=vectors_ND[number])
        assert f"It shows {number}." in [hit.episode.answer for hit in hits]
    assert memory.verify("deep").ok


@pytest.mark.parametrize("wrong", [np.zeros(256), np.full(256, np.nan), np.ones(3) / 3**0.5, ["a"] * 256])
def test_a_vector_that_cannot_be_one_is_refused(memory: EpisodicMemory, wrong: np.ndarray) -> None:
    with pytest.raises(BadInput, match="vector"):
        memory.remember(question="What?", answer="This.", vector=wrong)
    assert memory.recall("What?") == []


def test_vectors_must_be_as_many_as_rows(memory: EpisodicMemory) -> None:
    with pytest.raises(BadInput, match="vectors"):
        memory.remember_many([{"question": "a", "answer": "b"}], vectors=np.eye(256, dtype=np.float32)[:2])


def test_a_repeated_request_is_stored_once(memory: EpisodicMemory) -> None:
    first = memory.remember(question="Who keeps the key?", answer="Ada.", idempotency_key="r1")
    assert memory.remember(question="Who keeps the key?", answer="Ada.", idempotency_key="r1") == first
    assert memory.remember(question="WHO keeps the key?", answer="Ada.") == first
    with pytest.raises(BadInput, match="idempotency_key"):
        memory.remember(question="Who keeps the key?", answer="Bo.", idempotency_key="r1")
    other = memory.remember(question="Who keeps the key?", answer="Bo.", idempotency_key="r2", namespace="other")
    assert other != first
    assert len(memory.recall("Who keeps the key?")) == 1


def test_the_key_of_a_deleted_episode_is_free(memory: EpisodicMemory) -> None:
    first = memory.remember(question="Who?", answer="Ada.", idempotency_key="r1")
    memory.delete(first)
    assert memory.remember(question="Who?", answer="Bo.", idempotency_key="r1") != first


def test_echoes_of_memory_are_not_stored(memory: EpisodicMemory) -> None:
    known = memory.remember(question="Where is the spare key of the kiln?", answer="In the blue pot.")
    echo = {"question": "Where is the spare key of the kiln kept?", "answer": "in the blue pot", "source": "recall"}
    for source in ("recall", "model"):
        report = memory.remember_many([{**echo, "source": source}])
        assert (report.stored, report.duplicates) == (0, 1)
    assert memory.remember(**echo) == known  # type: ignore[arg-type]  # a row of plain values
    # A person may say it again; another question with the same answer is no echo.
    assert memory.remember_many([{**echo, "source": "user"}]).stored == 1
    assert memory.remember_many(
        [{"question": "Where does Ilse sleep?", "answer": "In the blue pot.", "source": "model"}]
    )
    assert len(memory.recall("Where does Ilse sleep?", 5)) == 3


def test_passages_are_not_stored_again_as_answers(memory: EpisodicMemory) -> None:
    text = "The kiln of Halden fires stoneware at 1,240 degrees and stands behind the mill."
    memory.teach_passages("handbook", drafts(text), content_hash="1")
    uid = memory.remember(question="What about Halden?", answer=text[:60], source="recall")
    assert uid.startswith("p")
    assert memory.show(uid)["text"] == text
    assert memory.recall("What about Halden?") == []


def test_modes_explain_themselves(memory: EpisodicMemory) -> None:
    memory.remember(question="How hot is the kiln?", answer="1,240 degrees.", confidence=0.8)
    memory.remember(question="Where is the key?", answer="In the pot.")
    best = memory.recall("How hot is the kiln?", 2)[0]
    assert best.exact
    assert best.score == 1.0
    assert {"bm25", "bm25_rank", "dense", "dense_rank", "fused", "confidence"} <= best.explain.keys()
    worded = memory.recall("the hot kiln", 2, mode="lexical")
    assert [hit.episode.answer for hit in worded] == ["1,240 degrees."]
    assert "dense" not in worded[0].explain
    near = memory.recall("the hot kiln", 2, mode="dense")
    assert [hit.explain["dense_rank"] for hit in near] == [1.0, 2.0]
    assert near[0].score == pytest.approx(near[0].explain["dense"])
    with pytest.raises(BadInput, match="mode"):
        memory.recall("kiln", mode="fuzzy")  # type: ignore[arg-type]  # that is what is tested


def test_threads_share_one_memory(memory: EpisodicMemory) -> None:
    """Writers and readers at once: every reader sees what it was told was committed."""
    problems: list[str] = []

    def work(own: int) -> None:
        for number in range(25):
            uid = memory.remember(question=f"What does gauge {own} show at {number}?", answer=f"{own}/{number}")
            hits = memory.recall(f"What does gauge {own} show at {number}?", 3)
            if uid not in [hit.episode.id for hit in hits]:
                problems.append(f"{own}/{number} was not found")
            if number % 5 == 4:
                memory.delete(uid)
                if uid in [hit.episode.id for hit in memory.recall(f"gauge {own} at {number}", 50)]:
                    problems.append(f"{own}/{number} was found after it was deleted")

    threads = [threading.Thread(target=work, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert problems == []
    assert memory.verify("deep").ok


async def test_asyncio(memory: EpisodicMemory) -> None:
    uid = await memory.aio.remember(question="How hot is the kiln?", answer="1,240 degrees.")
    [hit] = await memory.aio.recall("How hot is the kiln?", k=1)
    assert hit.episode.id == uid
    with pytest.raises(AttributeError):
        memory.aio.namespace  # noqa: B018  # the look is what is tested
