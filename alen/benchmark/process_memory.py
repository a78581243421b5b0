"""Memory of this process, by the kernel's account of it. There is none but on Linux."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"  # proc(5), clear_refs

Field = Literal["VmRSS", "VmHWM"]
"""What it holds now, and the most that it held."""


def memory(field: Field) -> int | None:
    """Bytes; None where it cannot be told."""
    return _bytes(_STATUS, field)


def forget_peak() -> bool:
    """From now on ``VmHWM`` is the most that is held from now on; False where that cannot be had."""
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, "ascii")
    except OSError:
        return False
    return True


def left() -> int | None:
    """Bytes that the machine can still give without swapping; None where it cannot be told."""
    return _bytes(Path("/proc/meminfo"), "MemAvailable")


def _bytes(file: Path, field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", file.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
