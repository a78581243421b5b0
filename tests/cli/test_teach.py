"""``alen teach`` over the real engine: real files of every kind, with a small encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alen.cli import teach
from tests.cli.conftest import Ran
from tests.made_files import docx, mbox, pdf

Alen = Callable[..., Ran]


@pytest.fixture
def folder(hashed: None, tmp_path: Path) -> Path:
    made = tmp_path / "manual"
    made.mkdir()
    (made / "kiln.md").write_text("# Kiln\n\nIt fires stoneware at 1,240 degrees.\n")
    (made / "yard.html").write_text("<h1>Yard</h1><div>The gate is locked at eight.</div>")
    docx(made / "glaze.docx", ("Glazes", "Celadon needs three percent of iron."))
    (made / "gas.pdf").write_bytes(pdf("Close the valve first.", "Then open the window."))
    (made / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    return made


def search(alen: Alen, query: str) -> dict[str, object]:
    (hit,) = alen("memory", "search", query, "-k", "1", "--json").json("memory_search")["hits"]
    found: dict[str, object] = hit
    return found


def test_a_folder(alen: Alen, folder: Path) -> None:
    ran = alen("teach", folder, "--json")
    report = ran.json("teach")
    assert (ran.code, report["stored"]) == (0, 5)
    (skipped,) = report["skipped"]
    assert skipped["path"] == str(folder / "torn.pdf")
    assert f"left out {folder / 'torn.pdf'}: " in ran.err
    hit = search(alen, "open the window")
    assert (hit["source"], hit["page"], hit["text"]) == (str(folder / "gas.pdf"), 2, "Then open the window.")
    assert hit["end"] == int(str(hit["start"])) + len("Then open the window.")
    assert search(alen, "celadon iron")["title"] == "Glazes"

    (folder / "kiln.md").write_text("# Kiln\n\nIt fires porcelain at 1,280 degrees.\n")
    report = alen("teach", folder, "--json").json("teach")
    assert (report["stored"], report["duplicates"], report["retired"]) == (1, 4, 1)
    assert "stoneware" not in alen("memory", "search", "stoneware").out
    assert "5 already known" in alen("teach", folder).out


def test_the_file_that_was_named_must_be_readable(alen: Alen, folder: Path) -> None:
    failure = alen("teach", folder / "torn.pdf", folder / "kiln.md", "--json").error(2)
    assert "torn.pdf" in str(failure["found"])
    assert alen("memory", "stats", "--json").error(2)["type"] == "UnknownNamespace"  # nothing was stored


def test_many_that_were_left_out_are_counted(alen: Alen, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teach, "SHOWN", 1)
    for number in range(3):
        (folder / f"torn {number}.pdf").write_bytes(b"%PDF-1.4 torn")
    ran = alen("teach", folder)
    assert ran.err.count("left out /") == 1
    assert "left out 3 more (--json names all)" in ran.err


def test_a_mailbox_and_a_chat(alen: Alen, hashed: None, tmp_path: Path) -> None:
    box, chat = tmp_path / "mail.mbox", tmp_path / "chat.json"
    mbox(box, ("Where is the spare key?", "In the blue pot."), ("Ferry times", "On Fridays."))
    turns = [{"role": "user", "content": "How hot is the kiln?"}, {"role": "assistant", "content": "1,240 degrees."}]
    chat.write_text(json.dumps({"messages": turns}))
    args = ("teach", "--mailbox", box, "--chat", chat, "--json")
    ran = alen(*args)
    assert ran.json("teach")["stored"] == 3
    assert "teaching messages 3" in ran.err
    assert alen(*args).json("teach")["duplicates"] == 3
    (hit,) = alen("memory", "recall", "spare key", "-k", "1", "--json").json("memory_recall")["hits"]
    assert (hit["answer"], hit["source"]) == ("In the blue pot.", "Ann <ann@example.org>")
    (hit,) = alen("memory", "recall", "hot kiln", "-k", "1", "--json").json("memory_recall")["hits"]
    assert (hit["answer"], hit["source"]) == ("1,240 degrees.", "assistant")
    assert alen("teach", "--mailbox", chat, "--json").error(2)["field"] == "path"
    assert alen("teach", "--chat", box, "--json").error(2)["field"] == "path"
