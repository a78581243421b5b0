"""What the memory of a machine gives: the roof of everything that reads each weight once."""

from __future__ import annotations

import statistics
import time

import torch

BYTES = 2**29
"""More than any cache holds."""
ROUNDS = 9


def read_bandwidth(threads: int) -> float:
    """Bytes a second that ``threads`` read together, the best of some rounds' median."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        block = torch.ones(BYTES // 8, dtype=torch.int64)
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            block.sum()
            seconds.append(time.perf_counter() - started)
        return BYTES / statistics.median(seconds[1:])
    finally:
        torch.set_num_threads(before)
