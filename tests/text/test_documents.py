"""Files are read strictly: what is not text is refused with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.text import documents
from alen.text.documents import read, text_hash


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_and_line_ends_make_no_difference(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "notes.MD"
    file.write_bytes("Größe\r\n42\r".encode(encoding))
    document = read(file)
    assert document.text == "Größe\n42\n"
    assert document.markdown
    assert document.content_hash == text_hash("Größe\n42\n")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "without text"),
        (b" \n\t", "without text"),
        (b"PK\x03\x04\x00\x00binary", "a binary file"),
        (b"%PDF-1.7 text", "not a readable PDF"),
        ("Größe".encode("latin-1"), "byte 2 is not UTF-8"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read(file)
    assert found in caught.value.found
    assert str(file) in caught.value.found


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(BadInput, match="Check the path"):
            read(path)


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_FILE", 10)
    (tmp_path / "short.txt").write_text("1234567890")
    assert read(tmp_path / "short.txt").text == "1234567890"
    (tmp_path / "long.txt").write_text("12345678901")
    with pytest.raises(BadInput, match="11 bytes"):
        read(tmp_path / "long.txt")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(BadInput, match="no file"):
        read(tmp_path / "pipe.txt")
