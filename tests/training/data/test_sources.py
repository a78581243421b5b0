"""Texts come whole, once, on one side; what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.errors import BadInput
from alen.training.data import sources
from alen.training.data.sources import Source
from tests.training.data.made import LINES, TEXT, write_rows


def text_of(source: Source) -> str:
    pieces = list(source.pieces())
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    return "".join(piece.text for piece in pieces)


@given(text=st.text(st.sampled_from("ab \nä漢\U0001f600"), min_size=1), piece=st.integers(1, 9))
def test_a_text_file_comes_whole(tmp_path_factory: pytest.TempPathFactory, text: str, piece: int) -> None:
    file = tmp_path_factory.mktemp("texts") / "a.txt"
    file.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "PIECE", piece)
        pieces = list(Source(file, "text").pieces())
        assert text_of(Source(file, "text")) == text
    assert sum(each.read for each in pieces) == len(text.encode())


def test_pieces_end_with_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE", 1000)
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    pieces = list(Source(file, "text").pieces())
    assert len(pieces) > 20
    assert all(piece.text.endswith("\n") for piece in pieces)
    assert "".join(piece.text for piece in pieces) == TEXT


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_the_end_of_a_text_is_held_out(tmp_path: Path, share: float) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT)
    training, validation = (text_of(Source(file, "text", part=part, share=share)) for part in ("train", "validation"))
    assert training + validation == TEXT
    assert training.endswith("\n")
    assert len(validation) == pytest.approx(share * len(TEXT), abs=max(map(len, LINES)))


def test_rows_are_held_out_by_their_text(tmp_path: Path) -> None:
    rows = [{"text": line} for line in LINES for _ in range(2)]
    one = write_rows(tmp_path / "one.jsonl", rows)
    other = write_rows(tmp_path / "other.jsonl", reversed(rows))
    parts = {
        (file, part): [piece.text for piece in Source(file, "jsonl", part=part, share=0.2).pieces()]
        for file in (one, other)
        for part in ("train", "validation")
    }
    assert sorted(parts[one, "train"] + parts[one, "validation"]) == sorted(LINES * 2)
    assert not set(parts[one, "train"]) & set(parts[one, "validation"])
    assert set(parts[one, "validation"]) == set(parts[other, "validation"])
    assert 40 < len(set(parts[one, "validation"])) < 120


def test_blank_rows_are_passed_over_and_halves_of_characters_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "one"}\n\n{"text": " "}\n{"text": "\\ud800two"}')
    pieces = list(Source(file, "jsonl").pieces())
    assert [piece.text for piece in pieces] == ["one", "\ufffdtwo"]
    assert sum(piece.read for piece in pieces) == file.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"good\nbad \xff\n", r"a\.txt, line 2: found bytes that are not UTF-8"),
        ("a.txt", b"good\n\ncut \xe2\x82", r"a\.txt, line 3: found bytes that are not UTF-8"),
        ("a.txt", b"good\nbinary\n\0", r"a\.txt, line 3: found a NUL byte"),
        ("a.jsonl", b'{"text": "a"}\n{oops\n', r"a\.jsonl, line 2: found \{oops"),
        ("a.jsonl", b'{"text": "a"}\n["b"]\n', r"a\.jsonl, line 2: found \[.b.\]"),
        ("a.jsonl", b'{"text": "a"}\n\n{"body": "b"}\n', r"a\.jsonl, line 3, text: found nothing among body"),
        ("a.jsonl", b'{"text": 5}\n', r"a\.jsonl, line 1, text: found 5"),
        ("a.jsonl", b'{"text": "\xff"}\n', r"a\.jsonl, line 1: found bytes that are not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        list(Source(file, "jsonl" if name.endswith("l") else "text").pieces())


def test_a_line_that_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LONGEST_LINE", 50)
    file = write_rows(tmp_path / "a.jsonl", [{"text": "short"}, {"text": "long " * 20}])
    with pytest.raises(BadInput, match="line 2: found a longer line"):
        list(Source(file, "jsonl").pieces())


def test_missing_and_empty_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    for name, found in (("absent.txt", "No such file"), ("empty.txt", "an empty file"), ("", "no file")):
        with pytest.raises(BadInput, match=found):
            Source(tmp_path / name, "text").facts()


def test_one_line_has_no_end_to_hold_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one line alone")
    with pytest.raises(BadInput, match=r"validation_share.*no line end"):
        list(Source(tmp_path / "a.txt", "text", part="train", share=0.1).pieces())
