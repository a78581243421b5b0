"""docs/teaching.md states the limits that hold."""

from __future__ import annotations

import re

from alen.engine import asking
from alen.text import documents, formats, json_lines, mailbox, splitting, teaching
from tests.house.tree import ROOT

PAGE = (ROOT / "docs" / "teaching.md").read_text("utf-8")
MIB = 1024 * 1024


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    _, _, table = PAGE.partition("\n## Limits\n")
    stated = dict(re.findall(r"^\| (.+?) \| ([\d,]+(?: \w+)?) \|$", table, re.MULTILINE))
    assert stated == {
        "largest file": f"{documents.LARGEST_FILE // MIB} MiB",
        "largest Word file when unpacked": f"{formats.LARGEST_UNPACKED // MIB} MiB",
        "files in one call": f"{teaching.MOST_FILES:,}",
        "longest passage of a document": f"{splitting.LONGEST:,} characters",
        "longest row of `--passages` that stays whole": f"{json_lines.LONGEST_ROW:,} characters",
        "longest letter": f"{mailbox.LONGEST_MESSAGE:,} characters",
        "longest question to ask": f"{asking.LONGEST_QUESTION:,} characters",
    }


def test_every_kind_that_is_read_is_on_the_page() -> None:
    stated = set(re.findall(r"`(\.\w+)`", PAGE)) - {".mbox", ".json"}
    assert stated == set(documents.READABLE)
