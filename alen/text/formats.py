"""PDF, DOCX and HTML as text: pages end with a form feed, headings are Markdown's, so that one splitter serves all."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from alen.errors import BadInput
from alen.text import web_page

_BLANK_LINES = re.compile(r"\n{3,}")
_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)

LARGEST_UNPACKED = 500 * 1024 * 1024
"""Bytes that a DOCX may hold when it is unpacked: a small file can claim to be endless."""


def extract(name: str, raw: bytes) -> tuple[str, bool] | None:
    """Text and whether it is Markdown; None for a file of another kind. ``name`` is the file's, for its ending and for
    errors. Raises BadInput when a library is missing, or when the file is damaged or locked."""
    reader = _READERS.get(name.lower().rpartition(".")[2])
    if raw.startswith(b"%PDF-"):
        reader = _pdf
    if reader is None:
        return None
    text, markdown = reader(name, raw)
    # The form feed of an empty first page is no white space to strip: it counts.
    return _BLANK_LINES.sub("\n\n", storable(text)).strip(" \t\n"), markdown


def storable(text: str) -> str:
    """Without what a database cannot hold: the NUL character, and halves of characters that fonts of PDF files and
    other programs' JSON leave behind."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _pdf(name: str, raw: bytes) -> tuple[str, bool]:
    pypdf = _library("pypdf", name)
    # What it says of small faults is for whoever set up logging, not for the terminal.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadInput("path", f"{name}, locked by a password", "a PDF that opens without one", "Unlock it first.")
        # A page without text keeps its place, so that the numbers of the others are right.
        pages = [page.extract_text() or "" for page in reader.pages]
    except BadInput:
        raise
    except Exception as error:  # pypdf fails in many ways on damaged files
        raise _damaged(name, "PDF", error) from None
    if not any(page.strip() for page in pages):
        raise BadInput("path", f"{name}, a PDF of pictures", "a PDF with text", "Run it through OCR first.")
    return "\f".join(page.replace("\f", " ") for page in pages), False


def _docx(name: str, raw: bytes) -> tuple[str, bool]:
    docx = _library("docx", name)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST_UNPACKED:
            raise BadInput("path", f"{name}, {size:,} bytes unpacked", f"at most {LARGEST_UNPACKED:,}", "Split it.")
        document = docx.Document(io.BytesIO(raw))
        parts = list(_docx_parts(document))
    except BadInput:
        raise
    except Exception as error:  # python-docx fails in many ways on damaged files
        raise _damaged(name, "DOCX", error) from None
    return "\n\n".join(parts), True


def _docx_parts(document: Any) -> Iterator[str]:
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            yield "\n".join(" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows)
            continue
        text = block.text.strip()
        style = block.style.name if block.style is not None else ""
        level = _HEADING_STYLE.fullmatch(style)
        if text:
            depth = int(level[1]) if level else (1 if style == "Title" else 0)
            yield f"{'#' * min(depth, 6)} {text}" if depth else text


def _html(name: str, raw: bytes) -> tuple[str, bool]:
    return web_page.page_text(_library("bs4", name), raw), True


_READERS: dict[str, Callable[[str, bytes], tuple[str, bool]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "html": _html,
    "htm": _html,
    "xhtml": _html,
}

ENDINGS = frozenset(f".{name}" for name in _READERS)


def _library(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise BadInput(
            "path", f"{name}, which needs {module}", "text or Markdown", "Run: pip install 'alen[documents]'"
        ) from None


def _damaged(name: str, kind: str, error: Exception) -> BadInput:
    return BadInput("path", f"{name}, not a readable {kind}: {error}", f"a whole {kind} file", "Save it again.")
