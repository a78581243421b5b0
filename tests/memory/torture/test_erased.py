"""What was erased is in no file any more: no letter of its text, no number of its vector, whoever held or was making
what, and also when the process that erased had never looked at the index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from alen.errors import StoreError
from alen.memory import EpisodicMemory, sealer, sqlite
from tests.memory.conftest import drafts
from tests.memory.torture import children, life

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
pytestmark = pytest.mark.usefixtures("low")

SECRET = "Zanzibarium quintessence"
ASKED = f"Who keeps the {SECRET}?"
TOLD = f"The {SECRET} is kept by nobody."


def vector(text: str) -> bytes:
    return life.OLD.encode([text])[0].astype("<f2").tobytes()


TRACES = (SECRET.encode(), b"quintess", vector(ASKED), vector(TOLD))


@pytest.fixture
def secretive(tmp_path: Path) -> tuple[Path, str]:
    """A store with sealed indexes that hold a secret, and the id of the episode that says it."""
    with life.opened(life.place(tmp_path)) as memory:
        rows = [{"question": f"Where does gauge {n} hang?", "answer": f"In hall {n}"} for n in range(60)]
        memory.remember_many(rows)
        uid = memory.remember(
            question=ASKED, answer=f"{SECRET}: Ilse", tags=[SECRET], context=SECRET, detail={"a": SECRET}
        )
        memory.update(uid, answer=f"{SECRET}: Tomas")
        memory.teach_passages("book", drafts(*(f"Kiln {n} is hot." for n in range(60))), content_hash="1")
        memory.teach_passages("leaflet", drafts(TOLD), content_hash="1")
        session = memory.session("chat")
        memory.record_answer({"question": "Who?", "answer": SECRET, "confidence": 0.5,
                              "evidence": [{"kind": "episode", "id": uid}]}, session)  # fmt: skip
        assert set(memory.checkpoint()) == {"log", "question", "passage", "sentence"}
    for trace in TRACES:
        assert life.is_anywhere(tmp_path, trace), trace
    return tmp_path, uid


def erase(memory: EpisodicMemory, uid: str) -> None:
    receipt = memory.erase([uid])
    assert (receipt.episodes, receipt.passages) == (2, 0)
    assert memory.erase(source="leaflet").passages == 1
    assert [entry["finished"] for entry in memory.receipts()] == [True, True]
    assert memory.receipts()[0]["digest"] == receipt.digest


def is_gone(folder: Path) -> None:
    found = {trace: life.is_anywhere(folder, trace) for trace in TRACES}
    assert not any(found.values()), found


def goes_on(memory: EpisodicMemory) -> None:
    assert memory.recall("Where does gauge 7 hang?", 1)[0].episode.answer == "In hall 7"
    assert memory.verify("deep").problems == ()
    assert memory.checkpoint()["question"]["rows"] == 60


def test_by_a_process_that_has_looked(secretive: tuple[Path, str]) -> None:
    folder, uid = secretive
    with life.opened(life.place(folder)) as memory:
        assert memory.recall(ASKED, 1)[0].exact
        erase(memory, uid)
        is_gone(folder)
        goes_on(memory)
        is_gone(folder)
    is_gone(folder)


def test_by_a_process_that_has_not_looked(secretive: tuple[Path, str]) -> None:
    folder, uid = secretive
    with life.opened(life.place(folder)) as memory:
        erase(memory, uid)
        is_gone(folder)


def test_of_a_whole_namespace(secretive: tuple[Path, str]) -> None:
    folder, _ = secretive
    with life.opened(life.place(folder)) as memory:
        memory.remember(question="Where is the spare key?", answer="In the pot.", namespace="other")
        assert memory.erase(whole=True).episodes == 62
        is_gone(folder)
        assert not life.is_anywhere(folder, b"gauge", b"kiln")
        assert memory.recall("Where is the spare key?", 1, namespace="other")[0].exact


def hold(send: Callable[[Any], None], folder: Path, over: str) -> None:
    """Look once, and keep what was opened, and look again when the other has erased."""
    with life.opened(life.place(folder)) as memory:
        send(memory.recall(ASKED, 1)[0].exact)
        while not Path(over).exists():
            time.sleep(0.01)
        send([hit.episode.question for hit in memory.recall(ASKED, 70)])
        memory.checkpoint()


def test_while_another_process_holds_the_index(secretive: tuple[Path, str], tmp_path_factory: Any) -> None:
    folder, uid = secretive
    over = tmp_path_factory.mktemp("sign") / "over"
    other = children.Child(hold, folder, str(over))
    other.receive()
    with life.opened(life.place(folder)) as memory:
        erase(memory, uid)
        is_gone(folder)
        over.touch()
        assert other.finish() == 0
        assert other.sent[0] is True
        assert ASKED not in other.sent[1]
        is_gone(folder)
        goes_on(memory)


def test_while_another_process_is_sealing(secretive: tuple[Path, str]) -> None:
    """It writes what was in the database when it began: who erases waits for it."""
    folder, uid = secretive
    (index,) = (folder / "memory.db.index").glob("*/*-question-*")
    begun = threading.Event()

    def seal() -> None:
        with FileLock(index / sealer.LOCK):
            begun.set()
            time.sleep(0.3)
            (index / "gen-000002.vec").write_bytes(vector(ASKED))

    thread = threading.Thread(target=seal)
    thread.start()
    begun.wait(10)
    with life.opened(life.place(folder)) as memory:
        erase(memory, uid)
        is_gone(folder)
    thread.join()


def test_after_a_move_to_another_encoder(secretive: tuple[Path, str]) -> None:
    folder, uid = secretive
    with life.opened(life.place(folder)) as memory:
        memory.reembed(life.NEW)
        assert memory.checkpoint()["question"]["rows"] == 61
        assert not life.is_anywhere(folder / "memory.db.index", vector(ASKED))
        erase(memory, uid)
        is_gone(folder)
        assert not life.is_anywhere(folder, life.NEW.encode([ASKED])[0].astype("<f2").tobytes())


def test_an_index_that_cannot_be_removed_is_not_called_gone(
    secretive: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, uid = secretive

    def fail(index: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with life.opened(life.place(folder)) as memory:
        with monkeypatch.context() as patched:
            patched.setattr(sealer, "discard", fail)
            with pytest.raises(StoreError, match="--repair"):
                memory.erase([uid])
        assert [entry["finished"] for entry in memory.receipts()] == [False]
        assert [problem.part for problem in memory.verify().problems] == ["erasure"]
        assert memory.verify(repair=True).ok
        assert memory.verify().problems == ()
        memory.erase(source="leaflet")
        is_gone(folder)


def test_while_a_reader_keeps_the_log_from_being_emptied(secretive: tuple[Path, str]) -> None:
    folder, uid = secretive
    with life.opened(life.place(folder)) as reader, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite, "_PRAGMAS", ("busy_timeout = 200", *sqlite._PRAGMAS[1:]))
        with reader._store.reading() as connection, life.opened(life.place(folder)) as memory:
            memory.update(uid, answer=f"{SECRET}: Jonas")
            connection.exec_driver_sql("SELECT count(*) FROM episode").scalar()
            with pytest.raises(StoreError):
                erase(memory, uid)
    with life.opened(life.place(folder)) as memory:
        assert memory.verify(repair=True).ok
        memory.erase(source="leaflet")
        is_gone(folder)


def test_an_erasure_that_was_cut_short_is_finished_at_the_next_opening(secretive: tuple[Path, str]) -> None:
    folder, uid = secretive
    child = children.Child(_erase_and_die, folder, uid, fault="erase:committed")
    assert child.finish() == children.KILLED
    life.opened(life.place(folder)).close()
    assert not life.is_anywhere(folder, vector(ASKED))


def _erase_and_die(send: Callable[[Any], None], folder: Path, uid: str) -> None:
    with life.opened(life.place(folder)) as memory:
        memory.erase([uid])


def test_the_traces_are_told_from_others() -> None:
    """A vector of another text is another one, so that finding none means something."""
    assert len({vector(ASKED), vector(TOLD), vector("Where does gauge 7 hang?")}) == 3
    assert np.frombuffer(vector(ASKED), dtype="<f2").any()
