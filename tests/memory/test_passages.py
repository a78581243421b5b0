"""Teaching documents: once, again, edited, in parts, and by two at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory, passages
from alen.types import PassageDraft, Recollection
from tests.memory.conftest import BOTH, HashEncoder, drafts

pytestmark = BOTH

KILN = "The Halden kiln fires stoneware at 1,240 degrees."
KEY = "The spare key hangs in the yard."
DOOR = "The door is oiled every May."


def texts(found: Recollection) -> list[str]:
    return [hit.passage.text for hit in found.passages]


def test_the_same_input_twice_stores_nothing_twice(memory: EpisodicMemory, encoder: HashEncoder) -> None:
    first = memory.teach_passages("a.md", drafts(KILN, KEY), content_hash="1")
    assert (first.stored, first.duplicates, first.retired) == (2, 0, 0)
    encoder.encoded.clear()
    again = memory.teach_passages("a.md", drafts(KILN, KEY), content_hash="1")
    assert (again.stored, again.duplicates, again.retired) == (0, 2, 0)
    assert not encoder.encoded
    assert memory.stats()["passages"] == 2


def test_an_edited_document_retires_what_is_gone_and_keeps_the_rest(
    memory: EpisodicMemory, encoder: HashEncoder
) -> None:
    memory.teach_passages("a.md", drafts(KILN, KEY), content_hash="1")
    kept = memory.recollect("kiln").passages[0].passage
    encoder.encoded.clear()
    edited = memory.teach_passages("a.md", drafts(DOOR, KILN), content_hash="2")
    assert (edited.stored, edited.duplicates, edited.retired) == (1, 1, 1)
    assert set(encoder.encoded) == {DOOR}
    found = {hit.passage.text: hit.passage for hit in memory.recollect("spare key in the yard").passages}
    assert set(found) == {DOOR, KILN}
    assert found[KILN].id == kept.id
    assert (found[KILN].start, found[KILN].end) == (len(DOOR) + 2, len(DOOR) + 2 + len(KILN))
    assert memory.show("2")["status"] == "retired"


def test_a_document_can_become_empty_and_come_back(memory: EpisodicMemory) -> None:
    memory.teach_passages("a.md", drafts(KILN), content_hash="1")
    assert memory.teach_passages("a.md", [], content_hash="2").retired == 1
    assert memory.recollect("kiln").passages == ()
    assert memory.teach_passages("a.md", drafts(KILN), content_hash="1").stored == 1
    assert texts(memory.recollect("kiln")) == [KILN]


def test_adding_to_a_source_retires_nothing(memory: EpisodicMemory) -> None:
    memory.teach_passages("notes", drafts(KILN), content_hash="1", replaces_source=False)
    report = memory.teach_passages("notes", drafts(KEY, KILN), content_hash="2", replaces_source=False)
    assert (report.stored, report.duplicates, report.retired) == (1, 1, 0)
    assert len(memory.recollect("kiln key").passages) == 2


def test_equal_passages_of_one_document_are_stored_once(memory: EpisodicMemory) -> None:
    report = memory.teach_passages("a.md", drafts(KILN, KEY, KILN), content_hash="1")
    assert (report.stored, report.duplicates) == (2, 1)


def test_the_same_text_from_two_sources_is_recalled_once(memory: EpisodicMemory) -> None:
    memory.teach_passages("a.md", drafts(KILN, KEY), content_hash="1")
    memory.teach_passages("b.md", drafts(KILN), content_hash="1")
    assert sorted(texts(memory.recollect("kiln"))) == sorted([KILN, KEY])


def test_a_large_document_is_committed_in_parts_with_progress(memory: EpisodicMemory) -> None:
    many = drafts(*(f"Kiln number {number} stands in row {number % 7}." for number in range(600)))
    seen: list[tuple[str, int, int]] = []
    report = memory.teach_passages("big", many, content_hash="1", progress=lambda *step: seen.append(step))
    assert report.stored == 600
    assert [done for _, done, _ in seen] == [256, 512, 600]
    assert {total for _, _, total in seen} == {600}


def test_an_interrupted_document_is_continued(memory: EpisodicMemory, encoder: HashEncoder) -> None:
    many = drafts(*(f"Kiln number {number} stands in row {number % 7}." for number in range(600)))

    def interrupt(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.teach_passages("big", many, content_hash="1", progress=interrupt)
    assert memory.stats()["passages"] == 256
    report = memory.teach_passages("big", many, content_hash="1")
    assert (report.stored, report.duplicates, report.retired) == (344, 256, 0)
    assert memory.teach_passages("big", many, content_hash="1").duplicates == 600


def test_citations_are_kept(memory: EpisodicMemory) -> None:
    text = f"{KILN} {KEY}"
    sentences = ((0, len(KILN)), (len(KILN) + 1, len(text)))
    draft = PassageDraft(text, 40, 40 + len(text), "Manual > Kiln", 3, "ext-7", sentences)
    memory.teach_passages("manual.pdf", [draft], content_hash="1")
    hit = memory.recollect("Where is the spare key?").passages[0]
    found = hit.passage
    assert (found.source, found.title, found.page, found.external_id) == ("manual.pdf", "Manual > Kiln", 3, "ext-7")
    assert (found.start, found.end) == (40, 40 + len(text))
    assert hit.sentence == sentences[1]
    shown = memory.show(f"p{found.id}")
    assert shown["text"] == text
    assert shown["source"] == "manual.pdf"


@pytest.mark.parametrize(
    ("draft", "field"),
    [(PassageDraft("  "), "text"), (PassageDraft("kiln", sentences=((0, 9),)), "sentences")],
)
def test_bad_passages_are_refused_and_nothing_is_stored(
    memory: EpisodicMemory, draft: PassageDraft, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        memory.teach_passages("a.md", [*drafts(KILN), draft], content_hash="1")
    assert caught.value.field == field
    assert memory.stats()["passages"] == 0


def test_a_passage_retired_while_another_teaches_it_is_stored_again(
    url: str, memory: EpisodicMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.teach_passages("a.md", drafts(KILN), content_hash="1")
    original = passages.encoded
    raced = []

    def race(encoder: Any, wanted: Any) -> Any:
        if not raced:
            raced.append(True)
            with EpisodicMemory.open(url, encoder=HashEncoder()) as other:
                other.teach_passages("a.md", drafts(DOOR), content_hash="3")
        return original(encoder, wanted)

    monkeypatch.setattr(passages, "encoded", race)
    memory.teach_passages("a.md", drafts(KILN, KEY), content_hash="2")
    assert sorted(texts(memory.recollect("kiln key door"))) == sorted([KILN, KEY])


def test_many_threads_teach_and_recall(memory: EpisodicMemory) -> None:
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for round_number in range(5):
                own = f"Kiln {name} of round {round_number} burns {name}{round_number} logs."
                memory.teach_passages(f"{name}-{round_number}", drafts(own), content_hash="1")
                assert own in texts(memory.recollect(own, passages=3))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert memory.stats()["passages"] == 30
