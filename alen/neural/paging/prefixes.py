"""Prompts that begin alike: full pages of what was read are kept, by what stands in them and before them.

A page is found by a digest of its tokens and of the digest before it, so that it is the same page only where everything
up to its end is the same. What one owner's prompts begin with is not known to another: how soon a prompt is read would
tell what others have asked.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np

from alen.neural.paging.pages import PagePool


class Prefixes:
    """Keeps a share of each page it knows. What was not asked for the longest goes first when pages are needed."""

    def __init__(self, pool: PagePool) -> None:
        self._pool = pool
        self._pages: OrderedDict[bytes, int] = OrderedDict()

    def find(self, tokens: Sequence[int], owner: str = "") -> list[int]:
        """Shared pages of the longest known beginning that leaves a token to be read."""
        keys, pages = [], []
        size = self._pool.size
        for key in _keys(tokens, (len(tokens) - 1) // size, size, owner):
            if key not in self._pages:
                break
            keys.append(key)
            pages.append(self._pool.share(self._pages[key]))
        for key in reversed(keys):  # a beginning outlives what goes on from it
            self._pages.move_to_end(key)
        return pages

    def keep(self, tokens: Sequence[int], pages: Sequence[int], owner: str = "") -> None:
        """Know the full pages of a prompt that was read."""
        size = self._pool.size
        keys = list(_keys(tokens, min(len(tokens) // size, len(pages)), size, owner))
        for key, page in zip(reversed(keys), reversed(pages[: len(keys)]), strict=True):
            if key not in self._pages:
                self._pages[key] = self._pool.share(page)
            self._pages.move_to_end(key)

    def make_room(self, pages: int) -> None:
        """Let go of what nobody else uses until so many pages are free, or nothing is left to let go of."""
        for key in list(self._pages):
            if self._pool.free >= pages:
                return
            if self._pool.uses(self._pages[key]) == 1:
                self._pool.give_back(self._pages.pop(key))


def _keys(tokens: Sequence[int], pages: int, size: int, owner: str) -> Iterator[bytes]:
    before = owner.encode()
    row = np.asarray(tokens[: pages * size], dtype=np.int32)
    for page in range(pages):
        before = hashlib.blake2b(before + row[page * size : (page + 1) * size].tobytes(), digest_size=16).digest()
        yield before
