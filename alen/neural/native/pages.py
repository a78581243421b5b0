"""Pages of keys and values: what sequences share is held once.

A page holds 64 positions of all layers. A sequence is a list of pages; a full page may belong to many, one that is
still being written to one alone.
"""

from __future__ import annotations

import numpy as np
import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.native.large_pages import mapped

PAGE = 64


class PagePool:
    """``tokens`` positions in all. Memory is touched, and so taken, only as pages are used; those given back are used
    again first."""

    def __init__(self, config: TransformerConfig, tokens: int) -> None:
        self.count = max(1, -(-tokens // PAGE))
        numbers = 2 * config.num_layers * config.num_kv_heads * config.head_dim * PAGE
        self.memory = mapped(self.count * numbers * 2).view(torch.float16).view(self.count, numbers)
        self._uses = np.zeros(self.count, dtype=np.int32)
        self._free = list(range(self.count - 1, -1, -1))

    @property
    def free(self) -> int:
        """Pages that nobody uses."""
        return len(self._free)

    def take(self) -> int:
        """A page of one's own. Raises BadInput when there is none."""
        if not self._free:
            raise BadInput("tokens", "more than the cache holds", f"{self.count * PAGE:,} in all", "Enlarge the cache.")
        page = self._free.pop()
        self._uses[page] = 1
        return page

    def share(self, page: int) -> int:
        self._uses[page] += 1
        return page

    def copy(self, page: int) -> int:
        """A page of one's own with what this one holds."""
        made = self.take()
        self.memory[made] = self.memory[page]
        return made

    def give_back(self, page: int) -> None:
        self._uses[page] -= 1
        if not self._uses[page]:
            self._free.append(page)

    def uses(self, page: int) -> int:
        return int(self._uses[page])
