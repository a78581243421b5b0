"""The code on the pages of docs runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT

BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}", marks=[pytest.mark.models] * ("from_pretrained(" in block))
    for page in sorted((ROOT / "docs").glob("*.md"))
    if page.stem != "architecture"  # has a test of its own
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S))
]


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_code_on_pages_runs(
    block: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it writes is not left where the tests run."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    if "from_pretrained(" in block:
        monkeypatch.setenv("ALEN_HOME", str(request.getfixturevalue("models_home")))
    exec(compile(block, "page", "exec"), {})
