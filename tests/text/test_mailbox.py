"""Letters as mail programs store them become episodes; what cannot be read is named and the rest is kept."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.text.mailbox import LONGEST_MESSAGE, read_mailbox
from alen.types import Skipped


def letter(subject: str, text: str, sender: str = "Ann Über <ann@example.org>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = sender, subject, "<1@example.org>"
    message["Date"] = "Sat, 3 Jan 1996 01:05:34 +0100"
    message.set_content(text)
    return message


@pytest.fixture
def box(tmp_path: Path) -> Iterator[mailbox.mbox]:
    opened = mailbox.mbox(tmp_path / "mail.mbox")
    yield opened
    opened.close()


def test_letters_become_episodes(box: mailbox.mbox, tmp_path: Path) -> None:
    box.add(letter("Spare key?", "In the blue pot.\nFrom Monday on.\n"))
    box.add(letter("Größe", "Über 1,240 °C – so heiß.\n" * 9))  # both are encoded on their way
    box.flush()
    first, second = read_mailbox(tmp_path / "mail.mbox")
    assert first == {
        "question": "Spare key?",
        "answer": "In the blue pot.\nFrom Monday on.",  # which the file holds as >From
        "source": "Ann Über <ann@example.org>",
        "detail": {
            "from": "Ann Über <ann@example.org>",
            "date": "1996-01-03T01:05:34+01:00",
            "message_id": "<1@example.org>",
        },
    }
    assert second["question"] == "Größe"
    assert second["answer"].startswith("Über 1,240 °C – so heiß.\nÜber")


def test_of_several_parts_the_one_for_reading(box: mailbox.mbox, tmp_path: Path) -> None:
    both = letter("both", "In plain words.")
    both.add_alternative("<p>In <b>HTML</b>.</p>", subtype="html")
    both.add_attachment(b"an attached text", maintype="text", subtype="plain", filename="notes.txt")
    box.add(both)
    page = EmailMessage()
    page["Subject"] = "page"
    page.set_content("<html><body><div>Only <b>HTML</b>.</div></body></html>", subtype="html")
    box.add(page)
    box.flush()
    assert [row["answer"] for row in read_mailbox(tmp_path / "mail.mbox")] == ["In plain words.", "Only HTML."]


def test_odd_letters_are_read_and_hopeless_ones_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mail.mbox"
    head = "From x Sat Jan  3 01:05:34 1996\n"
    file.write_bytes(
        (
            f"{head}Subject: =?klingon?q?Key?=\nContent-Type: text/plain; charset=klingon\nDate: soon\n\nBlue pot.\n\n"
            f"{head}Subject: empty\n\n\n\n"
            f"{head}Subject: long\n\n{'x' * (LONGEST_MESSAGE + 1)}\n\n"
            f"{head}\nNo header at all.\n"
        ).encode()
        + b"From x Sat Jan  3 01:05:34 1996\nSubject: caf\xe9\n\nna\xefve\x00\n"
    )
    odd, empty, long, bare, latin = read_mailbox(file)
    assert (odd["answer"], odd["detail"]["date"], odd["source"]) == ("Blue pot.", None, "mail")
    assert empty == Skipped(f"{file}, message 2", "no text to learn")
    assert long == Skipped(f"{file}, message 3", "100,001 characters, more than 100,000")
    assert (bare["question"], bare["answer"]) == ("(no subject)", "No header at all.")
    assert latin["answer"] == "na\ufffdve"
    for row in (odd, bare, latin):
        row["question"].encode("utf-8")


def test_what_is_no_mailbox_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.mbox").write_text("Dear diary")
    for path in (tmp_path / "none.mbox", tmp_path, tmp_path / "nowhere.mbox"):
        with pytest.raises(BadInput, match="mbox"):
            list(read_mailbox(path))
