"""Texts for training, read a piece at a time: a text file is one document, a row of JSON Lines is one."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from alen.errors import BadInput
from alen.text.formats import storable

PIECE = 64 * 1024
"""Bytes of a text file read at once. No token spans two pieces, so they end with a line where there is one."""

LONGEST_LINE = 64 * 2**20
"""Bytes of a row of JSON Lines; it is held in memory."""

_CORRECT = "Correct the row."


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document; ``ends`` where it is the last one. ``read`` bytes of the file were read for it, or passed
    over before it."""

    text: str
    ends: bool
    read: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and the part of it that is meant. ``share`` of it is for validation."""

    path: Path
    kind: Literal["text", "jsonl"]
    field: str = "text"
    part: Literal["all", "train", "validation"] = "all"
    share: float = 0.0

    def facts(self) -> list[Any]:
        """What changes whenever the texts may have changed. Raises BadInput when the file is missing or empty."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise _unreadable(self.path, error) from None
        if not self.path.is_file():
            raise BadInput("path", f"{self.path}, which is no file", "a text or JSON Lines file", "Check the path.")
        if not found.st_size:
            raise BadInput("path", f"{self.path}, an empty file", "a file with text", "Leave it out.")
        place = str(self.path.absolute())
        return [place, found.st_size, found.st_mtime_ns, self.kind, self.field, self.part, self.share]

    def pieces(self) -> Iterator[Piece]:
        """Raises BadInput naming file and line for what is not UTF-8 text, or no row with a text in ``field``."""
        return self._rows() if self.kind == "jsonl" else self._text()

    def _rows(self) -> Iterator[Piece]:
        read = 0
        for number, size, row in rows(self.path):
            read += size
            text = text_of(row, self.field, f"{self.path}, line {number}")
            # A row without a word teaches nothing, and collections have some.
            if text.strip() and (self.part == "all" or (self.part == "validation") == held_out(text, self.share)):
                yield Piece(text, True, read)
                read = 0

    def _text(self) -> Iterator[Piece]:
        with _opened(self.path) as file:
            size = file.seek(0, 2)
            cut = size if self.part == "all" else _line_end(self.path, file, int(size * (1 - self.share)), size)
            start, stop = (cut, size) if self.part == "validation" else (0, cut)
            file.seek(start)
            decoder, kept = codecs.getincrementaldecoder("utf-8")(), ""
            while start < stop:
                raw = file.read(min(PIECE, stop - start))
                start += len(raw)
                kept += self._decoded(decoder, raw, start, last=start >= stop)
                if start == len(raw):
                    kept = kept.removeprefix("\ufeff")
                end = len(kept) if start >= stop else kept.rfind("\n") + 1 or max(kept.rfind(" "), 0) or len(kept)
                yield Piece(kept[:end].replace("\r\n", "\n"), start >= stop, len(raw))
                kept = kept[end:]

    def _decoded(self, decoder: codecs.IncrementalDecoder, raw: bytes, end: int, *, last: bool) -> str:
        try:
            if b"\0" not in raw:
                return decoder.decode(raw, last)
            found, place = "a NUL byte, as binary files have", end - len(raw) + raw.index(b"\0")
        except UnicodeDecodeError as error:
            found, place = "bytes that are not UTF-8", end - len(error.object) + error.start
        where = f"{self.path}, line {_line_of(self.path, place)}"
        raise BadInput(where, found, "text in UTF-8", "Convert it to UTF-8, or leave it out.")


def rows(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Number of the line, from 1, bytes since the row before, and the object; blank lines are passed over."""
    with _opened(path) as file:
        number = passed = 0
        while line := file.readline(LONGEST_LINE + 1):
            number, passed = number + 1, passed + len(line)
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            if len(line) > LONGEST_LINE:
                raise BadInput(place, "a longer line", f"at most {LONGEST_LINE:,} bytes", "Cut it into rows.")
            try:
                row = json.loads(line)
            except UnicodeDecodeError:
                raise BadInput(place, "bytes that are not UTF-8", "a JSON object in UTF-8", _CORRECT) from None
            except ValueError as error:
                raise BadInput(place, f"{_shown(line)} ({error})", "a JSON object", _CORRECT) from None
            if not isinstance(row, dict):
                raise BadInput(place, _shown(line), "a JSON object", _CORRECT)
            yield number, passed, row
            passed = 0


def text_of(row: dict[str, Any], field: str, place: str) -> str:
    """Raises BadInput naming the place when the field is missing or holds no text."""
    value = row.get(field)
    if not isinstance(value, str):
        found = repr(value)[:80] if field in row else f"nothing among {', '.join(row) or 'no fields'}"
        raise BadInput(f"{place}, {field}", found, "a text", "Correct the row, or name the field of the texts.")
    return storable(value)


def held_out(text: str, share: float) -> bool:
    """Whether a text is for validation. Equal texts always fall on the same side."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> BadInput:
    return BadInput("path", f"{path} ({error.strerror})", "a text or JSON Lines file", "Check the path.")


def _line_end(path: Path, file: BinaryIO, place: int, size: int) -> int:
    """Behind the first line end at ``place`` or later, which must leave something on both sides."""
    file.seek(place)
    file.readline()
    if not 0 < (cut := file.tell()) < size:
        raise BadInput(
            "validation_share",
            f"{path}, which has no line end to hold out its end at",
            "a file of several lines",
            "Give validation files, or set validation_share: 0.",
        )
    return cut


def _line_of(path: Path, place: int) -> int:
    with path.open("rb") as file:
        line = 1
        while place > 0 and (block := file.read(min(place, 2**20))):
            line += block.count(b"\n")
            place -= len(block)
        return line


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return text if len(text) <= 60 else f"{text[:60]}…"
