"""Venn–Abers bounds of any score, after one pass over the known ones.

Vovk, Petej and Fedorova (2015), "Large-scale probabilistic predictors with and without guarantees of validity": the
isotonic fit at a place is the slope, there, of the greatest convex minorant of the sums of labels over the counts. What
joins the known scores parts them in two, whose own minorants do not depend on it: its slope is that of the line which
touches both from below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class VennAbers:
    """``scores`` (n,) and whether each was right, ``labels`` (n,) in {0, 1}."""

    def __init__(self, scores: Sequence[float], labels: Sequence[int]) -> None:
        self._known, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
        right = np.bincount(inverse, weights=labels, minlength=len(self._known))
        self._count = np.concatenate([[0.0], np.cumsum(counts)])
        self._right = np.concatenate([[0.0], np.cumsum(right)])
        points = list(zip(self._count.tolist(), self._right.tolist(), strict=True))
        self._before = _neighbours(points)
        mirrored = [(-count, right) for count, right in reversed(points)]
        self._after = [len(points) - 1 - place for place in reversed(_neighbours(mirrored))]

    def bounds(self, score: float) -> tuple[float, float]:
        """The isotonic fit at ``score`` when it joins the known ones as wrong, and when it joins them as right."""
        place = int(np.searchsorted(self._known, score))
        is_known = int(place < len(self._known) and self._known[place] == score)
        left = _chain(self._before, place)
        right = _chain(self._after, place + is_known)
        run = self._count[right] + 1.0 - self._count[left][:, None]
        rise = self._right[right] - self._right[left][:, None]
        return float((rise / run).min(1).max()), float(((rise + 1.0) / run).min(1).max())


def _neighbours(points: Sequence[tuple[float, float]]) -> list[int]:
    """Of each point the one before it on the lower convex hull of all up to it; the first is its own."""
    hull: list[int] = []
    found = []
    for place, (x, y) in enumerate(points):
        while len(hull) > 1:
            (x0, y0), (x1, y1) = points[hull[-2]], points[hull[-1]]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0):
                break
            hull.pop()
        found.append(hull[-1] if hull else place)
        hull.append(place)
    return found


def _chain(neighbours: Sequence[int], place: int) -> list[int]:
    """A place and all that follow from it."""
    chain = [place]
    while (after := neighbours[place]) != place:
        chain.append(place := after)
    return chain
