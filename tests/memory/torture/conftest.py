"""Folders in memory where there is room: a process that dies loses nothing of what it gave to the system, flushed or
not, and the disk would only make these tests slow. What is flushed, and when, is another test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alen.memory import auditing
from tests.memory.torture import children

IN_MEMORY = Path("/dev/shm")
NEEDED = 1 << 30


@pytest.fixture(scope="session")
def fast_folder() -> Iterator[Path]:
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > NEEDED
    with tempfile.TemporaryDirectory(prefix="alen-", dir=IN_MEMORY if roomy else None) as name:
        yield Path(name)


@pytest.fixture
def tmp_path(fast_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=fast_folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def _as_in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "SAMPLE", children.SAMPLE)
    children.one_thread()


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes are sealed from few rows."""
    children.plan(monkeypatch.setattr)
