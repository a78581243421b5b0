"""From how many rows an index is sealed, how it is laid out, and when it is made anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEAL_FROM = 20_000
"""Rows of a namespace below which its vectors are compared one by one, straight from the database: exact whatever the
size of the rest of the store, and as fast as anything."""

REBUILD_AT = 0.1
"""Share of a sealed index that may have changed before another one is made; at least ``SEAL_FROM`` rows."""

RECALL = 0.992
"""Of the true ten nearest, found by the questions that an index is measured with. Others find a little less."""

OF_CODES = 0.996
"""As ``RECALL``, when all cells are read and only the codes can mislead."""

BY_CODES = 0.9
"""As ``OF_CODES``, at the greatest depth: below this the codes are of no use and every row is compared. So it is with
thousands of copies of one text, whose codes are one and whose scores FAISS rounds to nothing."""

QUESTIONS = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """``lists`` are the cells that rows are sorted into, ``parts`` the pieces of a vector that a code has four bits
    for, ``train`` the rows that cells are made from."""

    lists: int
    parts: int
    train: int


def plan(rows: int, dim: int) -> Plan:
    # Near the root of the rows: comparing a question with the cells costs about as much as with what is in them.
    lists = min(rows, 1 << max(4, round(np.log2(3.2 * rows**0.5))))
    return Plan(lists, dim // 2 if dim % 2 == 0 else dim, min(rows, 32 * lists))


def stale(sealed: int, changed: int) -> bool:
    """Whether ``changed`` rows are too many beside ``sealed`` ones."""
    return changed >= enough(sealed)


def enough(sealed: int) -> int:
    """Changed rows from which a sealed index of so many is made anew."""
    return max(SEAL_FROM, int(REBUILD_AT * sealed))
