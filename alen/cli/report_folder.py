"""``--report DIR``: what would be in its way is told before anything is measured."""

from __future__ import annotations

from pathlib import Path

from alen.errors import BadInput


def check(folder: Path) -> None:
    """Make the folder. Raises BadInput when it cannot be one, WorkError when pictures cannot be drawn."""
    from alen.benchmark.performance import pictures

    pictures.check()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput("--report", f"{folder} ({error.strerror})", "a folder", "Choose another place.") from None
