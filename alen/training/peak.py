"""How fast a processor multiplies matrices, and how much memory there is."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import torch

NOMINAL = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}
"""Operations a second in bfloat16 without sparsity, as their makers state: what a share of the peak is usually of."""

_SIZE = {"cpu": 1024, "cuda": 8192}
_SECONDS = 0.25


@cache
def peak(device: str, dtype: torch.dtype) -> float:
    """Floating point operations a second: stated for GPUs that are known, else those of a square product of matrices,
    measured for a moment, the best of several."""
    if device == "cuda" and dtype == torch.bfloat16:
        name = torch.cuda.get_device_name()
        for known, stated in NOMINAL.items():
            if known in name:
                return stated
    return measured(device, dtype)


def measured(device: str, dtype: torch.dtype) -> float:
    size = _SIZE.get(device, 1024)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    best, until = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < until:
        _wait(device)
        begun = time.perf_counter()
        torch.mm(a, b, out=out)
        _wait(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best


def memory(device: str) -> int | None:
    """Bytes that one device has in all, for the CPU what the process may use; None where it cannot be told."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[1])
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    limits = [physical]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(file).read_text("ascii")))
        except (OSError, ValueError):
            continue
    return min(limits)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
