"""An engine over a server is the engine: the same values, the same errors, from many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from alen.client import RemoteEngine
from alen.client import memory as remote_memory
from alen.errors import BadInput, Cancelled, UnknownEpisode, UnknownNamespace
from alen.serving.service import Service
from alen.text.splitting import LONGEST
from alen.types import Answer, EpisodeHit, PassageHit
from alen.validation.provenance import provenance
from alen.validation.validator import ModelValidator

KILN = "The Halden kiln fires stoneware at 1,240 degrees."
QUESTION = "At what degrees does the Halden kiln fire stoneware?"


def timeless(answer: Answer) -> Answer:
    return replace(answer, timings_ms={}, episode=None)


def test_an_answer_loses_nothing_on_its_way(remote: RemoteEngine, service: Service) -> None:
    report = remote.teach(KILN, source="kiln.md")
    assert (report.stored, report.duplicates) == (1, 0)
    assert remote.teach(KILN, source="kiln.md").duplicates == 1
    here, there = service.engine.ask(QUESTION, private=True), remote.ask(QUESTION, private=True)
    assert there.text == "1,240 degrees"
    families = [replace(each, detail={"family": each.detail["family"]}) for each in here.candidates]
    assert timeless(there) == timeless(replace(here, candidates=tuple(families)))
    assert there.explain() == here.explain()
    assert there.candidates[0].evidence


def test_feedback_and_sessions(remote: RemoteEngine) -> None:
    remote.teach(KILN)
    stages: list[str] = []
    first = remote.chat(QUESTION, on_stage=stages.append)
    assert stages[0] == "recalling"
    assert first.session
    assert remote.chat("I keep the spare key in a blue jar.", session=first.session).text == "I will remember that."
    assert remote.chat("1 + 1", private=True).session is None
    assert remote.feedback(str(first.episode), correct=True)["status"] == "gold"
    with pytest.raises(UnknownEpisode) as failure:
        remote.feedback("nothing", correct=True)
    assert (failure.value.field, failure.value.found) == ("episode", "'nothing'")
    assert failure.value.hint


def test_errors_come_back_as_they_were(remote: RemoteEngine, service: Service) -> None:
    for call in (lambda engine: engine.ask(" "), lambda engine: engine.chat(""), lambda engine: engine.ask("x" * 4001)):
        with pytest.raises(BadInput) as here:
            call(service.engine)
        with pytest.raises(BadInput) as there:
            call(remote)
        assert vars(there.value) == vars(here.value)
    with pytest.raises(UnknownNamespace):
        remote.ask(QUESTION)
    with pytest.raises(UnknownNamespace):
        remote.memory.search("kiln")
    with pytest.raises(BadInput, match="effort"):
        remote.ask(QUESTION, effort="huge")  # type: ignore[arg-type]  # what the server says to it


def test_many_threads_at_once(remote: RemoteEngine) -> None:
    for number in range(4):
        remote.teach(f"The kiln called K{number} fires stoneware at {number}11 degrees.", source=f"k{number}")
    remote.teach(KILN)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: remote.ask(QUESTION, private=True).text, range(24)))
    assert len(set(texts)) == 1
    assert texts[0] is not None


def test_a_wish_to_stop_is_heard(remote: RemoteEngine, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.teach(KILN)
    begun, let_go, stopped = threading.Event(), threading.Event(), threading.Event()
    cancel = threading.Event()

    def chat(*_: object, cancel: threading.Event, **__: object) -> Answer:
        begun.set()
        while not let_go.wait(0.01):
            if cancel.is_set():
                stopped.set()
                raise Cancelled("The answer was stopped.")
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr(service.engine, "chat", chat)
    threading.Thread(target=lambda: (begun.wait(10), cancel.set())).start()
    with pytest.raises(Cancelled):
        remote.chat(QUESTION, cancel=cancel)
    assert stopped.wait(10)
    let_go.set()


def test_a_long_document_goes_in_pieces_and_retires_what_it_no_longer_says(
    remote: RemoteEngine, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_memory, "ROWS_AT_ONCE", 3)
    parts = [f"Part {number}. " + "It is about clay. " * (LONGEST // 20) for number in range(8)]
    file = tmp_path / "long.txt"
    file.write_text("\n\n".join(parts))
    seen: list[tuple[int, int]] = []
    report = remote.teach(paths=[file], progress=lambda _, done, total: seen.append((done, total)))
    assert (report.stored, report.duplicates, report.retired) == (8, 0, 0)
    assert seen == [(0, 1), (3, 8), (6, 8), (8, 8), (1, 1)]
    assert remote.teach(paths=[file]).to_json() | {"seconds": 0} == {
        "stored": 0, "duplicates": 8, "retired": 0, "seconds": 0, "skipped": []
    }  # fmt: skip
    file.write_text("\n\n".join([*parts[:4], parts[4].replace("clay", "sand"), *parts[5:]]))
    report = remote.teach(paths=[file])
    assert (report.stored, report.duplicates, report.retired) == (1, 7, 1)
    assert service.engine.memory.stats()["passages"] == 8
    monkeypatch.setattr(remote_memory, "LARGEST_DOCUMENT", 4000)
    with pytest.raises(BadInput, match="over a server"):
        remote.teach(paths=[file])


def test_a_piece_that_fails_is_told_and_the_rest_can_be_repeated(
    remote: RemoteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_memory, "ROWS_AT_ONCE", 2)
    rows = [{"question": f"What is {number}?", "answer": str(number)} for number in range(6)]
    broken = [*rows[:3], {"question": " ", "answer": "x"}, *rows[4:]]
    with pytest.raises(BadInput, match=r"row 4, question"):
        remote.teach(qa=broken)
    report = remote.teach(qa=rows)
    assert (report.stored, report.duplicates) == (4, 2)


def test_hits_and_changes_of_memory(remote: RemoteEngine, service: Service) -> None:
    remote.teach(KILN, source="kiln.md")
    memory = remote.memory
    uid = memory.remember(question="Who may light the kiln?", answer="Only Ulla", tags=("safety",), detail={"room": 12})
    own = service.engine.memory
    for query in ("light the kiln stoneware", "Who may light the kiln?"):
        assert memory.search(query) == own.search(query)
    assert {type(hit) for hit in memory.search("light the kiln stoneware")} == {PassageHit, EpisodeHit}
    assert memory.recall("Who lights the kiln?", where={"tags": ("safety",)}) == own.recall(
        "Who lights the kiln?", where={"tags": ("safety",)}
    )
    assert memory.get(uid) == own.get(uid)
    assert memory.update(uid, context="At the yard", tags=()).tags == ()
    assert memory.update(uid, context=None).context is None
    assert len(memory.history(uid)) == 3
    other = memory.remember(question="Who may light the kiln?", answer="Only Per")
    memory.supersede(uid, other)
    assert [hit.episode.id for hit in memory.recall("Who may light the kiln?")] == [other]
    assert memory.delete([uid]) == 1
    receipt = memory.erase([other])
    assert receipt.episodes == 1
    assert memory.receipts()[0]["digest"] == receipt.digest


def test_validation_is_that_of_the_engine(remote: RemoteEngine, service: Service) -> None:
    remote.teach(KILN)
    rows = [
        {"id": 1, "question": QUESTION, "answers": ["1,240 degrees"]},
        {"id": 2, "question": "Who was Ada?", "answers": [], "unanswerable": True},
    ]
    here, there = (ModelValidator(engine, safe=bool).validate(rows) for engine in (service.engine, remote))
    assert there.provenance == here.provenance
    assert provenance(remote) == provenance(service.engine)
    told = [{**result.to_json(), "seconds": 0} for result in (here, there)]
    for each in told:
        for name in [name for name in each["metrics"] if "latency" in name or "second" in name]:
            del each["metrics"][name]
    assert told[0] == told[1]
    assert [replace(row, milliseconds=0.0) for row in there.rows] == [
        replace(row, milliseconds=0.0) for row in here.rows
    ]


def test_what_json_lacks_is_refused(remote: RemoteEngine) -> None:
    with pytest.raises(BadInput, match="NaN"):
        remote.memory.remember(question="Where?", answer="There", ttl=float("nan"))
    with pytest.raises(BadInput, match="question"):
        remote.memory.remember(question="Where \ud800?", answer="There")
    with pytest.raises(BadInput, match="surrogate"):
        remote.teach("A kiln \ud800 fires.")
