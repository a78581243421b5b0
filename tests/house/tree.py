"""The project as its checks see it: the root, and the files that belong to it."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def project_files() -> tuple[Path, ...]:
    """Files that git tracks or would track, relative to the root, sorted; what is deleted on disk is left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))


def python_files() -> list[Path]:
    return [file for file in project_files() if file.suffix == ".py"]


def text_files() -> list[tuple[Path, str]]:
    """Every file that is UTF-8 text, with its text."""
    found = []
    for file in project_files():
        raw = (ROOT / file).read_bytes()
        if b"\0" not in raw:
            found.append((file, raw.decode("utf-8")))
    return found
