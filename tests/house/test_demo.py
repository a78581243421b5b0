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
SECTION = re.compile(r"^(\d)\. .* ─+\n(.*)\n\n  (.*)$", re.MULTILINE)


PROBABILITY = re.compile(r"\((0\.\d+) ")


def answers(text: str) -> list[tuple[str, str, str]]:
    """(number, question, first line of the answer without its probability) of each section."""
    return [
        (number, question.strip(), PROBABILITY.sub("(", line.strip()))
        for number, question, line in SECTION.findall(text)
    ]


def probabilities(text: str) -> list[float]:
    """As first lines state them."""
    return [float(found) for _, _, line in SECTION.findall(text) for found in PROBABILITY.findall(line)]


@pytest.mark.models
@pytest.mark.slow
def test_demo_prints_what_the_readme_shows(linked_home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "ALEN_HOME": str(linked_home), "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, str(ROOT / "examples" / "demo.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = answers(done.stdout)
    assert [number for number, _, _ in printed] == list("123456")
    assert "Matthias Corvane" in printed[0][2]
    assert printed[3][2] == "42"
    shown = re.search(r"<!-- transcript -->\n+```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert answers(shown[1]) == printed
    # Processors round products of bfloat16 in their own ways.
    assert probabilities(done.stdout) == pytest.approx(probabilities(shown[1]), abs=0.03)
