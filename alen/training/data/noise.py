"""Numbers that look random and follow from a key and a place alone, the same on every machine and in every version.

Axes: B samples, T places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ALL = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_PLACES = 20
"""Bits of a place; of one sample alone there may be more."""


def mixed(*values: int) -> int:
    """64 bits in which every bit of every value counts (SplitMix64 of Steele, Lea and Flood, 2014, value by value)."""
    state = 0
    for value in values:
        state = (state + (value + 1) * _STEP) & _ALL
        state = ((state ^ (state >> 30)) * _FIRST) & _ALL
        state = ((state ^ (state >> 27)) * _SECOND) & _ALL
        state ^= state >> 31
    return state


def noise(key: int, samples: NDArray[np.int64] | range, count: int) -> NDArray[np.uint64]:
    """64 bits for each of ``count`` places of each sample (B, T)."""
    samples_B1 = np.asarray(samples, dtype=np.uint64)[:, None]
    places_T: NDArray[np.uint64] = np.arange(count, dtype=np.uint64)
    # The key goes in between two rounds, so that places of one key are not those of another, moved.
    state_BT = scrambled((samples_B1 << np.uint64(_PLACES)) + places_T)
    return scrambled(state_BT + np.array([key & _ALL], dtype=np.uint64))


def scrambled(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Other bits for each, different for different ones."""
    state = (state + np.uint64(1)) * np.uint64(_STEP)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(_FIRST)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(_SECOND)
    return state ^ (state >> np.uint64(31))
