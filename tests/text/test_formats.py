"""PDF, DOCX and HTML become text that can be cited, and damaged files are named."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.text import documents, formats
from tests.made_files import pdf

PAGE = """<html><head><title>no</title><style>p {}</style></head><body><nav>menu</nav><h1>Kiln</h1>
<p>It fires at <b>1,240</b> degrees.</p><ul><li>Check the <i>valve</i></li></ul><h2>Cleaning</h2>
<table><tr><td>Brush</td><td>soft</td></tr></table><script>alert(1)</script></body></html>"""


def test_html_keeps_its_structure(tmp_path: Path) -> None:
    file = tmp_path / "kiln.html"
    file.write_text(PAGE)
    document = documents.read(file)
    assert document.markdown
    assert "menu" not in document.text
    assert "alert" not in document.text
    drafts = documents.split(document.text, markdown=True)
    assert [draft.title for draft in drafts] == ["Kiln", "Kiln > Cleaning"]
    assert "It fires at 1,240 degrees." in drafts[0].text
    assert "Check the valve" in drafts[0].text
    assert all(document.text[draft.start : draft.end] == draft.text for draft in drafts)


WEB = """<?xml version="1.0"?><!DOCTYPE html><html><head><title>Kiln  notes</title></head><body><!-- hidden -->
<div>It stands in the yard.<div>Nobody else<br>may <b>light</b> it.</div></div>
<ul><li>Check <i>first</i>:<ul><li>the valve</li><li>the gas</li></ul></li></ul>
<table><tr><th>Tool</th><th>Price</th></tr><tr><td>Brush</td><td>4&nbsp;crowns</td></tr></table>
<pre># no heading
fire --slow</pre></body></html>"""


@pytest.mark.parametrize("name", ["kiln.html", "kiln.xhtml"])
def test_nothing_that_a_reader_sees_of_a_page_is_lost(tmp_path: Path, name: str) -> None:
    """Text of a page often stands in div, beside an inner list, or in no block at all."""
    (tmp_path / name).write_text(WEB)
    assert documents.read(tmp_path / name).text.split("\n\n") == [
        "# Kiln notes",
        "It stands in the yard.",
        "Nobody else may light it.",
        "Check first:",
        "the valve",
        "the gas",
        "Tool | Price",
        "Brush | 4 crowns",
        "```\n# no heading\nfire --slow\n```",
    ]


def test_a_page_of_very_deep_nesting(tmp_path: Path) -> None:
    """Unclosed tags nest; a walk by recursion would end at a thousand of them."""
    (tmp_path / "deep.html").write_text("<div><b>" * 5000 + "It is hot.")
    assert documents.read(tmp_path / "deep.html").text == "It is hot."


def test_pages_of_a_pdf_are_cited(tmp_path: Path) -> None:
    file = tmp_path / "manual.pdf"
    file.write_bytes(pdf("", "The kiln is hot.", "Clean it."))
    drafts = documents.split(documents.read(file).text)
    assert [(draft.page, draft.text) for draft in drafts] == [(2, "The kiln is hot."), (3, "Clean it.")]
    file.write_bytes(pdf("The kiln fires at 1240 degrees.", "", "Clean it with a soft brush."))
    document = documents.read(file)
    drafts = documents.split(document.text)
    assert [(draft.page, draft.text.strip()) for draft in drafts] == [
        (1, "The kiln fires at 1240 degrees."),
        (3, "Clean it with a soft brush."),
    ]


def test_docx_has_headings_and_tables(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx", reason="needs python-docx: pip install -e '.[documents]'")
    made = docx.Document()
    made.add_heading("Kiln", 1)
    made.add_paragraph("It fires at 1,240 degrees.")
    table = made.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Brush", "soft"
    made.save(str(tmp_path / "kiln.docx"))
    document = documents.read(tmp_path / "kiln.docx")
    assert document.text == "# Kiln\n\nIt fires at 1,240 degrees.\n\nBrush | soft"
    assert document.markdown


@pytest.mark.parametrize(("name", "content"), [("a.pdf", b"%PDF-1.4 torn"), ("a.docx", b"PK\x03\x04 torn")])
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=name):
        documents.read(tmp_path / name)


def test_a_pdf_of_pictures_says_so(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf(""))
    with pytest.raises(BadInput, match="OCR"):
        documents.read(tmp_path / "scan.pdf")


def test_a_docx_that_claims_to_be_endless_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docx", reason="needs python-docx: pip install -e '.[documents]'")
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b" " * 2_000_000)
    monkeypatch.setattr(formats, "LARGEST_UNPACKED", 1_000_000)
    with pytest.raises(BadInput, match="2,000,000 bytes unpacked"):
        documents.read(tmp_path / "bomb.docx")


def test_what_a_database_cannot_hold_is_taken_out() -> None:
    assert formats.storable("a\0b \ud835\udc00 \ud835 c") == "ab \U0001d400 \ufffd c"


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    (tmp_path / "a.pdf").write_bytes(pdf("x"))
    with pytest.raises(BadInput, match=r"pip install 'alen\[documents\]'"):
        documents.read(tmp_path / "a.pdf")
