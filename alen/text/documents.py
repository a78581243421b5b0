"""Documents: text and Markdown files, read strictly, and rows of JSON Lines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from alen.errors import BadInput
from alen.text.json_lines import read_passages, read_qa, read_questions
from alen.text.splitting import split

__all__ = ["DocumentText", "read", "read_passages", "read_qa", "read_questions", "split", "text_hash"]

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A file as text. ``content_hash`` is of the text, so the same words in another encoding are the same."""

    text: str
    markdown: bool
    content_hash: str


def read(path: str | Path) -> DocumentText:
    """Read a text or Markdown file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark. Line ends become ``\\n``.

    Raises BadInput when the file is missing, empty, binary, or in another encoding (with the place of the byte)."""
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise BadInput("path", f"{file} ({error.strerror})", "a text or Markdown file", "Check the path.") from None
    text = _decoded(file, raw).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadInput("path", f"{file}, a file without text", "a text or Markdown file", "Leave it out.")
    return DocumentText(text, file.suffix.lower() in MARKDOWN, text_hash(text))


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
    hint = (
        "Convert it to text first, for example with pdftotext." if raw.startswith(b"%PDF-") else "Convert it to UTF-8."
    )
    if raw.startswith(b"%PDF-") or (encoding.startswith("utf-8") and b"\x00" in raw):
        raise BadInput("path", f"{file}, a binary file", "a text or Markdown file", hint)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"{file}, whose byte {error.start} is not {encoding.upper().removesuffix('-SIG')}"
        raise BadInput("path", found, "text in UTF-8", hint) from None
