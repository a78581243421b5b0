"""A large file that is mapped does not stay in the memory of the process, and reads the same."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

import numpy as np
import pytest

from alen.memory.index import mapped

ROWS, WIDTH = 4096, 512


def held(path: Path) -> int:
    """Bytes of the file that are mapped in, by the kernel's account."""
    for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text("utf-8")):
        if str(path) in part.splitlines()[0]:
            return 1024 * sum(map(int, re.findall(r"^Rss:\s+(\d+) kB", part, re.MULTILINE)))
    raise AssertionError("it is not mapped")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows"
    np.arange(ROWS * WIDTH, dtype="<i4").tofile(path)
    return path


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is mapped")
@pytest.mark.parametrize("kept", [1 << 20, 1 << 30])
def test_what_was_looked_at_is_let_go_of_a_large_file_only(
    file: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(mapped, "KEPT", kept)
    found = mapped.Mapped(file, "<i4", (ROWS, WIDTH))
    assert found.array[:, 0].sum() == WIDTH * ROWS * (ROWS - 1) // 2
    assert held(file) == file.stat().st_size
    found.looked_at(ROWS)
    assert (held(file) == 0) == (kept < file.stat().st_size)
    assert found.array[:, 1].tolist() == list(range(1, ROWS * WIDTH, WIDTH))


def test_where_nothing_can_be_advised(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "KEPT", 1)
    for name in ("MADV_RANDOM", "MADV_DONTNEED"):
        monkeypatch.delattr(mmap, name, raising=False)
    found = mapped.Mapped(file, "<i4", (ROWS, WIDTH))
    found.looked_at(ROWS)
    assert found.array[ROWS - 1, 0] == (ROWS - 1) * WIDTH
