"""`make demo` does what the README shows: the same questions get the same answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

README = (ROOT / "README.md").read_text("utf-8")
SECTION = re.compile(r"^(\d)\. .* ─+\n(.*)\n\n((?:.*\n)*?)(?=^\d\. |^Ask |\Z)", re.MULTILINE)
CONFIDENCE = re.compile(r"^ *(.*)\n *confidence >?(\d+) %", re.MULTILINE)

THRESHOLD, ROUNDING = 50, 3
"""In per cent. Processors round products in their own ways."""


def sections(text: str) -> list[tuple[str, str, str]]:
    """(number, question, what follows) of each."""
    return [(number, question.strip(), rest) for number, question, rest in SECTION.findall(text)]


def first_line(rest: str) -> str:
    """Of what follows a question, without its probability."""
    return re.sub(r"\(0\.\d+ ", "(", rest.strip().splitlines()[0].strip())


def best(rest: str) -> tuple[str, int] | None:
    """The best candidate and its confidence in per cent, where there is one."""
    found = CONFIDENCE.search(rest)
    return None if found is None else (found[1].strip(), int(found[2]))


@pytest.mark.models
@pytest.mark.slow
def test_demo_prints_what_the_readme_shows(linked_home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "ALEN_HOME": str(linked_home), "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, str(ROOT / "examples" / "demo.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = sections(done.stdout)
    assert [number for number, _, _ in printed] == list("123456")
    assert first_line(printed[0][2]) == "Matthias Corvane"
    assert first_line(printed[3][2]) == "42"
    shown = re.search(r"<!-- transcript -->\n+```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown is not None
    expected = sections(shown[1])
    assert [each[:2] for each in expected] == [each[:2] for each in printed]
    for (_, _, wanted), (_, _, found) in zip(expected, printed, strict=True):
        ours, theirs = best(found), best(wanted)
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert ours[0] == theirs[0]
            assert abs(ours[1] - theirs[1]) <= ROUNDING
        if theirs is None or abs(theirs[1] - THRESHOLD) > ROUNDING:
            assert first_line(found) == first_line(wanted)
