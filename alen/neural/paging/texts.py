"""Sequences in a cache of pages, and what is asked of a step over them.

Axes: W wanted rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.paging.pages import PagePool
from alen.neural.paging.prefixes import Prefixes


@dataclass(slots=True, eq=False)
class Text:
    """A sequence in the cache: its pages and how many tokens it has. ``table`` is what kernels read of it."""

    pages: list[int] = field(default_factory=list)
    length: int = 0
    table: np.ndarray = field(default_factory=lambda: np.zeros(8, dtype=np.int32))


@dataclass(frozen=True, slots=True)
class Feed:
    """New tokens of a text; logits of the last ``wanted`` of them are asked for. ``text`` is a ``Text``, or whatever
    another way of computing has in its place."""

    text: Any
    tokens: Sequence[int]
    wanted: int = 1


@dataclass(frozen=True, slots=True)
class Stepped:
    """``logits`` (W, V) float32, and of each row the likeliest token (the lowest id of equals) and the logarithm of the
    sum of all exponentials, so that ``logits[w, t] - log_total[w]`` is the log-probability of a token."""

    logits: Tensor
    best: np.ndarray
    log_total: np.ndarray


class PagedTexts:
    """What a decoder over pages keeps of its texts. Not safe to use from many threads at once."""

    def __init__(self, config: TransformerConfig, pool: PagePool) -> None:
        self.config, self.pool = config, pool
        self._prefixes = Prefixes(pool)

    def begin(self, prompt: Sequence[int] = (), owner: str = "") -> Text:
        """A new text that holds what ``owner`` knows of the beginning of ``prompt``: go on with
        ``prompt[text.length:]``."""
        pages = self._prefixes.find(prompt, owner)
        made = Text(pages, len(pages) * self.pool.size)
        _tell(made)
        return made

    def keep(self, prompt: Sequence[int], text: Text, owner: str = "") -> None:
        """Know a prompt that ``text`` has read, so that others of ``owner`` that begin like it need not read that
        again."""
        self._prefixes.keep(prompt, text.pages, owner)

    def fork(self, text: Text, length: int | None = None) -> Text:
        """A text that goes on from the first ``length`` tokens of another: full pages are shared, the last is
        copied."""
        length = text.length if length is None else min(length, text.length)
        full, rest = divmod(length, self.pool.size)
        self._prefixes.make_room(bool(rest))
        pages = [self.pool.share(page) for page in text.pages[:full]]
        if rest:
            pages.append(self.pool.copy(text.pages[full]))
        made = Text(pages, length)
        _tell(made)
        return made

    def truncate(self, text: Text, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        kept = self._pages_of(length)
        for page in text.pages[kept:]:
            self.pool.give_back(page)
        del text.pages[kept:]
        text.length = min(text.length, length)

    def end(self, text: Text) -> None:
        """Give back what a text takes."""
        self.truncate(text, 0)

    def fits(self, feeds: Sequence[Feed]) -> bool:
        """Whether there are pages for all of them."""
        needed = sum(self._missing(feed) for feed in feeds)
        self._prefixes.make_room(needed)
        return needed <= self.pool.free

    def grow(self, feeds: Sequence[Feed]) -> None:
        """Pages for what is fed. Raises BadInput, before anything has changed, when a text is longer than the model's
        context, a token is none of its vocabulary, or the pages do not suffice."""
        for feed in feeds:
            self._check(feed)
        if not self.fits(feeds):
            found = f"{sum(map(self._missing, feeds))} pages of {self.pool.size} tokens"
            allowed = f"{self.pool.free} that are free"
            raise BadInput("tokens", found, allowed, "Enlarge the cache or ask for less at once.")
        for feed in feeds:
            text = feed.text
            if self._shares_last(text):
                at = text.length // self.pool.size
                shared, text.pages[at] = text.pages[at], self.pool.copy(text.pages[at])
                self.pool.give_back(shared)
            while len(text.pages) * self.pool.size < text.length + len(feed.tokens):
                text.pages.append(self.pool.take())
            _tell(text)

    def _check(self, feed: Feed) -> None:
        after, most, words = feed.text.length + len(feed.tokens), self.config.max_seq_len, self.config.vocab_size
        if after > most:
            raise BadInput("tokens", f"{after:,} in all", f"at most {most:,}", "Shorten the text.")
        tokens = np.asarray(feed.tokens)
        if tokens.size and (tokens.min() < 0 or tokens.max() >= words):
            raise BadInput("tokens", "an id outside of the vocabulary", f"0 to {words - 1}", "Use its tokenizer.")

    def _pages_of(self, length: int) -> int:
        return -(-length // self.pool.size)

    def _missing(self, feed: Feed) -> int:
        text = feed.text
        return self._pages_of(text.length + len(feed.tokens)) - len(text.pages) + self._shares_last(text)

    def _shares_last(self, text: Text) -> bool:
        """Whether it is about to write into a page that others read."""
        at = text.length // self.pool.size
        return at < len(text.pages) and self.pool.uses(text.pages[at]) > 1


def _tell(text: Text) -> None:
    if len(text.pages) > len(text.table):
        text.table = np.zeros(2 * len(text.pages), dtype=np.int32)
    text.table[: len(text.pages)] = text.pages
