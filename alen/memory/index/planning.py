"""From how many rows an index is sealed, how it is laid out, and when it is made anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEAL_FROM = 20_000
"""Rows of a namespace below which its vectors are compared one by one, straight from the database: exact whatever the
size of the rest of the store, and as fast as anything."""

REBUILD_AT = 0.1
"""Share of a sealed index that may have changed before another one is made; at least ``SEAL_FROM`` rows."""

UNASKED = 1.0
"""As ``REBUILD_AT``, while rows are written and nobody asks: a million that are taught at once are sealed a few times
on the way, not forty. The first question, or ``checkpoint``, makes up for it."""

RECALL = 0.991
"""Of the true ten nearest, found by the questions that an index is measured with, which are harder than people's: real
ones that were held back found 992 of 1,000 among 100,000 rows and among a million."""

OF_CODES = 0.998
"""As ``RECALL``, when all cells are read and only the codes can mislead."""

BY_CODES = 0.9
"""As ``OF_CODES``, at the greatest depth: below this the codes are of no use and every row is compared. So it is with
thousands of copies of one text, whose codes are one and whose scores FAISS rounds to nothing."""

ROWS_OF_A_CELL, MOST_CELLS = 250, 8192
"""Beyond that many cells making them takes longer than reading them saves."""

QUESTIONS = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """``lists`` are the cells that rows are sorted into, ``parts`` the pieces of a vector that a code has four bits
    for, ``train`` the rows that cells are made from."""

    lists: int
    parts: int
    train: int


def plan(rows: int, dim: int) -> Plan:
    # Comparing a question with the centres costs about as much as with what is in the cells that are read.
    lists = min(rows, 1 << max(4, round(np.log2(min(rows / ROWS_OF_A_CELL, MOST_CELLS)))))
    return Plan(lists, dim // 2 if dim % 2 == 0 else dim, min(rows, 32 * lists))


def stale(sealed: int, changed: int, share: float = REBUILD_AT) -> bool:
    """Whether ``changed`` rows are too many beside ``sealed`` ones."""
    return changed >= enough(sealed, share)


def enough(sealed: int, share: float = REBUILD_AT) -> int:
    """Changed rows from which a sealed index of so many is made anew."""
    return max(SEAL_FROM, int(share * sealed))
