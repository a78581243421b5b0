"""Files that are mapped, and read where they are looked at."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

KEPT = 1 << 30
"""Bytes of a file that this process holds at most, about: of ten million vectors a thousand questions would bring in
nearly all."""

AROUND = 1 << 16
"""Bytes that the system maps around a place that is looked at."""


class Mapped:
    """``array`` is the file. Raises OSError and ValueError when it is not of this shape."""

    def __init__(self, path: Path, dtype: str, shape: tuple[int, ...]) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_RANDOM"):
            # Rows are read here and there: what lies around them would be read for nothing.
            self._map.madvise(mmap.MADV_RANDOM)
        self.array = np.frombuffer(self._map, dtype=dtype).reshape(shape)
        self._left = KEPT

    def looked_at(self, places: int) -> None:
        """So many places more. What was mapped is let go when it may have become much; it stays in the system's cache,
        so that whoever looks again soon waits a microsecond."""
        self._left -= places * AROUND
        if self._left <= 0:
            self._left = KEPT
            if len(self._map) > KEPT and hasattr(mmap, "MADV_DONTNEED"):
                self._map.madvise(mmap.MADV_DONTNEED)
