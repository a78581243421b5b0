"""Who uses which page of keys and values: what sequences share is held once.

A page holds some positions of all layers. A sequence is a list of pages; a full page may belong to many, one that is
still being written to one alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alen.errors import BadInput


class PagePool:
    """``count`` pages of ``size`` positions; those given back are used again first. ``copy_page(to, page)`` copies what
    a page holds."""

    def __init__(self, count: int, size: int, copy_page: Callable[[int, int], None]) -> None:
        self.count, self.size, self._copy_page = count, size, copy_page
        self._uses = np.zeros(self.count, dtype=np.int32)
        self._free = list(range(self.count - 1, -1, -1))

    @property
    def free(self) -> int:
        """Pages that nobody uses."""
        return len(self._free)

    def take(self) -> int:
        """A page of one's own. Raises BadInput when there is none."""
        if not self._free:
            found, allowed = "more than the cache holds", f"{self.count * self.size:,} in all"
            raise BadInput("tokens", found, allowed, "Enlarge the cache.")
        page = self._free.pop()
        self._uses[page] = 1
        return page

    def share(self, page: int) -> int:
        self._uses[page] += 1
        return page

    def copy(self, page: int) -> int:
        """A page of one's own with what this one holds."""
        made = self.take()
        self._copy_page(made, page)
        return made

    def give_back(self, page: int) -> None:
        self._uses[page] -= 1
        if not self._uses[page]:
            self._free.append(page)

    def uses(self, page: int) -> int:
        return int(self._uses[page])
