"""A step that has its numbers in tensors that stay: it is captured once for each number of rows and replayed, which
takes one launch in place of hundreds.

Axes: R rows, each the next token of a text of its own, P pages of a text, C columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alen.neural.paging import Feed
from alen.neural.paging.keys import Places

_TOKEN, _POSITION, _SLOT, _END, _TABLE = range(5)
"""Columns of what a step is told; the table of pages begins at the last."""

Compute = Callable[[Tensor, Tensor, Places], tuple[Tensor, ...]]
"""Tokens and positions (R,), and where they stand, to tensors of R rows each."""


@dataclass(slots=True)
class _Captured:
    told_RC: Tensor
    given: tuple[Tensor, ...]
    again: Callable[[], object]


class Replay:
    """``waste`` is the page where rows without a text write. ``captures`` is whether the device can; else a step is
    computed anew from the same tensors."""

    def __init__(
        self, compute: Compute, *, pages: int, size: int, waste: int, device: torch.device, captures: bool
    ) -> None:
        self._compute, self._device, self._captures = compute, device, captures
        self._pages, self._size, self._waste = pages, size, waste
        self._made: dict[int, _Captured] = {}

    def __call__(self, feeds: Sequence[Feed]) -> tuple[Tensor, ...]:
        """Of one new token a feed; the tensors hold until the next call."""
        rows = 1 << (len(feeds) - 1).bit_length()
        told_RC = self._told(feeds, rows)
        if rows not in self._made:
            self._made[rows] = self._capture(told_RC)
        made = self._made[rows]
        made.told_RC.copy_(told_RC, non_blocking=True)
        made.again()
        return tuple(each[: len(feeds)] for each in made.given)

    def _told(self, feeds: Sequence[Feed], rows: int) -> Tensor:
        told_RC = np.zeros((rows, _TABLE + self._pages), dtype=np.int32)
        told_RC[:, _SLOT], told_RC[:, _END], told_RC[:, _TABLE:] = self._waste * self._size, 1, self._waste
        for row, feed in zip(told_RC, feeds, strict=False):
            at, pages = feed.text.length, feed.text.pages
            row[_TOKEN], row[_POSITION], row[_END] = feed.tokens[0], at, at + 1
            row[_SLOT] = pages[at // self._size] * self._size + at % self._size
            row[_TABLE : _TABLE + len(pages)] = pages
        told = torch.from_numpy(told_RC)
        return told.pin_memory() if self._device.type == "cuda" else told

    def _capture(self, told_RC: Tensor) -> _Captured:
        kept_RC = told_RC.to(self._device)
        starts_R1 = torch.arange(len(kept_RC) + 1, dtype=torch.int32, device=self._device)
        made = _Captured(kept_RC, (), lambda: None)

        def run() -> None:
            # Contiguous copies: kernels want rows side by side, and a copy of some hundred numbers is nothing.
            token_R, position_R, slot_R, end_R = kept_RC[:, :_TABLE].t().contiguous()
            ends = [1] * len(kept_RC) if self._captures else end_R.tolist()
            places = Places(
                slots_R=slot_R.long(),
                counts=[1] * len(kept_RC),
                ends=ends,
                starts_N1=starts_R1,
                ends_N=end_R,
                table_NP=kept_RC[:, _TABLE:].contiguous(),
                longest=1,
                most=self._pages * self._size,
            )
            made.given = self._compute(token_R.long(), position_R.long(), places)

        if not self._captures:
            made.again = run
            return made
        # A first run on another stream makes what libraries make on first use, which cannot be captured.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            run()
        made.again = graph.replay
        return made
