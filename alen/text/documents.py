"""Documents: text, Markdown, PDF, DOCX and HTML files, read strictly, and rows of JSON Lines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from alen.errors import BadInput
from alen.text import formats
from alen.text.json_lines import passages_of, read_passages, read_qa, read_questions
from alen.text.splitting import split

__all__ = ["DocumentText", "passages_of", "read", "read_passages", "read_qa", "read_questions", "split", "text_hash"]

LARGEST_FILE = 100 * 1024 * 1024
"""Bytes of a document. It is held in memory as a whole; a larger one is rather a collection of documents."""

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
READABLE = MARKDOWN | {".txt"} | formats.ENDINGS
"""Endings of what is read from a folder."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A file as text. ``content_hash`` is of the text, so the same words in another encoding are the same."""

    text: str
    markdown: bool
    content_hash: str


def read(path: str | Path) -> DocumentText:
    """Read a text or Markdown file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, or a PDF, DOCX or HTML
    file. Line ends become ``\\n``.

    Raises BadInput when the file is missing, empty, larger than LARGEST_FILE, binary, damaged, or in another encoding
    (with the place of the byte)."""
    file = Path(path)
    raw = _bytes(file)
    found = formats.extract(str(file), raw)
    markdown = file.suffix.lower() in MARKDOWN if found is None else found[1]
    text = (_decoded(file, raw) if found is None else found[0]).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadInput("path", f"{file}, a file without text", "a file with text", "Leave it out.")
    return DocumentText(text, markdown, text_hash(text))


def _bytes(file: Path) -> bytes:
    try:
        # A pipe or a device would be waited for.
        if file.exists() and not file.is_file():
            raise BadInput("path", f"{file}, which is no file", _ALLOWED, "Check the path.")
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise BadInput("path", f"{file}, {size:,} bytes", f"at most {LARGEST_FILE:,} bytes", "Cut it into parts.")
        return file.read_bytes()
    except OSError as error:
        raise BadInput("path", f"{file} ({error.strerror})", _ALLOWED, "Check the path.") from None


_ALLOWED = "a text, Markdown, PDF, DOCX or HTML file"


def text_hash(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def _decoded(file: Path, raw: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    hint = "Convert it to UTF-8."
    if encoding.startswith("utf-8") and b"\x00" in raw:
        raise BadInput("path", f"{file}, a binary file", _ALLOWED, hint)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"{file}, whose byte {error.start} is not {encoding.upper().removesuffix('-SIG')}"
        raise BadInput("path", found, "text in UTF-8", hint) from None
