"""What teaching takes: folders of every kind of document, letters and chats; cited, renewed, limited, reported."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from alen.engine import Engine
from alen.errors import BadInput
from alen.text import documents, teaching, teaching_talk
from alen.text.splitting import LONGEST
from alen.types import Episode, Passage
from tests.made_files import docx, mbox, pdf

KILN = "The Halden kiln fires stoneware at 1,240 degrees. "
OVEN = "The village oven bakes rye bread at 200 degrees. "


def write(file: Path, first: str, second: str) -> None:
    """Two parts under headings, or on two pages, in the format that the file's name asks for."""
    if file.suffix == ".md":
        file.write_text(f"# Kiln\n\n{first}\n\n# Oven\n\n{second}\n")
    elif file.suffix == ".txt":
        file.write_text(f"{first * 15}\n\n{second * 15}\n")  # too long to stand in one passage
    elif file.suffix == ".html":
        file.write_text(f"<body><h1>Kiln</h1><div>{first}</div><h1>Oven</h1><p>{second}</p></body>")
    elif file.suffix == ".docx":
        docx(file, ("Kiln", first), ("Oven", second))
    else:
        file.write_bytes(pdf(first, second))


KINDS = ("md", "txt", "html", "docx", "pdf")


def found(engine: Engine, words: str, count: int = 9) -> list[Passage]:
    return [hit.passage for hit in engine.memory.recollect(words, passages=count).passages]


def episodes(engine: Engine, question: str) -> list[Episode]:
    return [hit.episode for hit in engine.memory.recall(question)]


def test_a_folder_of_every_kind_is_cited_by_place(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "inner").mkdir(parents=True)
    for kind in KINDS:  # what stands in two files word for word is recalled once
        write(folder / ("inner" if kind == "pdf" else "") / f"a.{kind}", f"{kind}: {KILN}", f"{kind}: {OVEN}")
    report = engine.teach(paths=[folder])
    assert (report.stored, report.skipped) == (10, ())
    passages = found(engine, "stoneware degrees rye bread oven kiln", 20)
    assert {Path(passage.source).suffix for passage in passages} == {f".{kind}" for kind in KINDS}
    for passage in passages:
        whole = documents.read(passage.source).text
        assert whole[passage.start : passage.end] == passage.text
        kind, about = Path(passage.source).suffix, "Oven" if "rye" in passage.text else "Kiln"
        assert passage.title == (None if kind in (".txt", ".pdf") else about)
        assert passage.page == ((1 if about == "Kiln" else 2) if kind == ".pdf" else None)
    assert engine.teach(paths=[folder]).stored == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_edited_file_of_a_folder_retires_what_changed(engine: Engine, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    write(folder / f"a.{kind}", KILN, OVEN)
    write(folder / "other.md", "It rains.", "It snows.")
    engine.teach(paths=[folder])
    write(folder / f"a.{kind}", KILN.replace("1,240", "1,260"), OVEN)
    report = engine.teach(paths=[folder])
    assert (report.stored, report.duplicates, report.retired) == (1, 3, 1)
    texts = " ".join(passage.text for passage in found(engine, "Halden kiln stoneware degrees"))
    assert "1,260" in texts
    assert "1,240" not in texts


def test_what_cannot_be_read_is_named_and_the_rest_is_taught(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / ".git").mkdir(parents=True)
    write(folder / "good.md", KILN, OVEN)
    (folder / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    (folder / "binary.txt").write_bytes(b"\x00\x01")
    (folder / "latin.txt").write_bytes("Größe".encode("latin-1"))
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    (folder / "picture.png").write_bytes(b"\x89PNG")  # of no kind that is read
    (folder / ".git" / "description.txt").write_text("hidden")
    (folder / ".draft.md").write_text("hidden")
    report = engine.teach(paths=[folder])
    assert report.stored == 2
    assert [Path(each.path).name for each in report.skipped] == ["binary.txt", "gone.md", "latin.txt", "torn.pdf"]
    reasons = dict(zip(["binary", "gone", "latin", "torn"], (each.reason for each in report.skipped), strict=True))
    assert "a binary file" in reasons["binary"]
    assert "No such file" in reasons["gone"]
    assert "byte 2 is not UTF-8" in reasons["latin"]
    assert "not a readable PDF" in reasons["torn"]
    json.dumps(report.to_json())
    assert not found(engine, "hidden", 3) or all("hidden" not in passage.text for passage in found(engine, "hidden"))


def test_a_closed_folder_inside_is_named(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "notes" / "closed"
    closed.mkdir(parents=True)
    write(tmp_path / "notes" / "good.md", KILN, OVEN)
    real: Callable[[Path], object] = os.scandir

    def scandir(path: Path) -> object:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = engine.teach(paths=[tmp_path / "notes"])
    assert [(each.path, each.reason) for each in report.skipped] == [(str(closed), "Permission denied")]
    assert report.stored == 2


def test_a_folder_without_anything_to_read_is_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    with pytest.raises(BadInput, match=r"torn\.pdf"):
        engine.teach(paths=[tmp_path])
    (tmp_path / "torn.pdf").unlink()
    with pytest.raises(BadInput, match="without documents"):
        engine.teach(paths=[tmp_path])


def test_limits(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(" ".join(f"Shelf {number} {place}." for place in range(400)))
    monkeypatch.setattr(teaching, "MOST_FILES", 3)
    for paths in ([tmp_path], sorted(tmp_path.iterdir())):
        with pytest.raises(BadInput, match="more than 3 files"):
            engine.teach(paths=paths)
    assert engine.stats()["passages"] == 0
    monkeypatch.setattr(teaching, "MOST_FILES", 4)
    engine.teach(paths=[tmp_path])
    texts = [passage.text for passage in found(engine, "shelf", 99)]
    assert len(texts) > 12
    assert max(map(len, texts)) <= LONGEST
    monkeypatch.setattr(documents, "LARGEST_FILE", 100)
    (tmp_path / "small.txt").write_text("It rains.")
    monkeypatch.setattr(teaching, "MOST_FILES", 5)
    report = engine.teach(paths=[tmp_path])
    assert (report.stored, len(report.skipped)) == (1, 4)
    with pytest.raises(BadInput, match="at most 100 bytes"):
        engine.teach(paths=[tmp_path / "0.txt"])


def test_rows_are_cut_as_those_of_a_file(engine: Engine) -> None:
    engine.teach(passages=[{"id": "a", "title": "Kiln", "text": KILN * 200}])
    assert max(len(passage.text) for passage in found(engine, "Halden kiln")) <= LONGEST
    with pytest.raises(BadInput, match="passages, row 2, text"):
        engine.teach(passages=[{"text": "x"}, {"text": ""}])


def test_letters_are_recalled_with_who_and_when(engine: Engine, tmp_path: Path) -> None:
    box = tmp_path / "mail.mbox"
    mbox(box, ("Where is the spare key?", "In the blue pot."), ("Ferry times", "On Fridays."), ("Empty", " "))
    report = engine.teach(mailbox=box)
    assert (report.stored, [each.path for each in report.skipped]) == (2, [f"{box}, message 3"])
    first = episodes(engine, "Where is the spare key?")[0]
    assert (first.answer, first.source) == ("In the blue pot.", "Ann <ann@example.org>")
    assert first.detail["date"] == "2026-03-01T10:00:00+00:00"
    again = engine.teach(mailbox=box)
    assert (again.stored, again.duplicates) == (0, 2)
    assert engine.ask("Where is the spare key?").candidates[0].text == "In the blue pot."


def test_a_long_mailbox_is_stored_as_it_is_read(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mbox(tmp_path / "mail.mbox", *((f"Shelf {number}?", f"It holds {number} vases.") for number in range(7)))
    monkeypatch.setattr(teaching_talk, "AT_ONCE", 3)
    stages: list[tuple[str, int, int]] = []
    report = engine.teach(mailbox=tmp_path / "mail.mbox", progress=lambda *stage: stages.append(stage))
    assert report.stored == 7
    assert stages == [("teaching messages", done, 0) for done in (3, 6, 7)]


def test_a_chat_is_recalled_under_the_name_it_was_given(engine: Engine, tmp_path: Path) -> None:
    chat = tmp_path / "chat.json"
    messages = [("user", "Where is the spare key?"), ("assistant", "In the blue pot."), ("user", "Thanks!")]
    chat.write_text(json.dumps([{"role": role, "content": text} for role, text in messages]))
    assert engine.teach(chat=chat, source="help desk").stored == 1
    (only,) = episodes(engine, "Where is the spare key?")
    assert (only.answer, only.source, only.detail["from"]) == ("In the blue pot.", "help desk", "assistant")
    assert engine.teach(chat=chat, source="help desk").stored == 0


@pytest.mark.parametrize("wrong", ["mailbox", "chat"])
def test_what_is_no_mailbox_or_chat_stops_before_anything_is_stored(engine: Engine, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "diary").write_text("Dear diary")
    with pytest.raises(BadInput, match="diary"):
        engine.teach(KILN, **{wrong: tmp_path / "diary"})  # type: ignore[arg-type]  # one of two keywords
    assert engine.stats()["passages"] == 0
