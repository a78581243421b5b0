"""Verbatim spans of a token sequence: which tokens may come next when an answer must be copied from a passage."""

from __future__ import annotations

from collections.abc import Sequence


def choices_along(ids: Sequence[int], first: int, last: int) -> list[list[int]]:
    """For each token of the span [first, last) and for what comes after it: the tokens that may stand there.

    ``last - first + 1`` lists; list 0 is what a span may begin with, list k what may follow its first k tokens (the
    end mark, always allowed after one token, is not in the lists)."""
    places = list(range(len(ids)))
    found = [sorted(set(ids))]
    for step, token in enumerate(ids[first:last]):
        places = [i for i in places if i + step < len(ids) and ids[i + step] == token]
        found.append(sorted({ids[i + step + 1] for i in places if i + step + 1 < len(ids)}))
    return found
