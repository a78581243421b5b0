"""Exact search for the most probable verbatim span of a passage.

The first token of the answer comes from one look at the question. Every place where a likely first token stands in the
passage then begins a row, and the passage itself says how each row goes on; so the rows are read together, a few tokens
at a time, in one sequence in which every row sees the passage, the question and itself. Each token read gives the
probability that the answer ends there. A row that can no longer beat the best span found is not read further.

Axes: T tokens read in a round, S all cached and new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from alen.errors import Cancelled
from alen.neural.cache import KVCache
from alen.text.spans import choices_along
from alen.types import CancelToken


class HiddenModel(Protocol):
    """What the search needs of a model; Transformer is one."""

    def hidden(
        self, tokens_BT: Tensor, *, cache: KVCache | None, positions_BT: Tensor | None, mask_BTS: Tensor | None
    ) -> Tensor: ...
    def logits(self, hidden_BTD: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class SearchWidth:
    """How much is read. ``starts`` first tokens at most, none whose probability is below ``floor`` times the best
    one's and none beyond ``mass`` of probability in all; ``rows`` places where they stand; ``stride`` tokens a round;
    ``longest`` tokens a span."""

    starts: int = 4
    rows: int = 8
    stride: int = 8
    longest: int = 48
    mass: float = 0.97
    floor: float = 0.02

    @property
    def room(self) -> int:
        """Cache places the search may need behind the question."""
        return self.rows * self.longest


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Tokens [first, last) of the passage; log-probabilities are natural and include the end mark."""

    logprob: float
    first: int
    last: int
    least: float


@dataclass(slots=True)
class _Row:
    place: int
    total: float
    least: float
    choices: list[list[int]]
    read: int = 0
    cached: list[int] = field(default_factory=list)


def find_spans(
    model: HiddenModel,
    cache: KVCache,
    passage: Sequence[int],
    starts: dict[int, float],
    *,
    end: int,
    width: SearchWidth,
    cancel: CancelToken | None = None,
) -> list[Span]:
    """Spans found, best first. ``cache`` holds the passage and the question, with ``width.room`` places free;
    ``starts`` maps every token of the passage to its log-probability of being the answer's first; ``end`` is the end
    mark. Raises Cancelled between two rounds."""
    base = cache.length
    rows = [
        _Row(place, logprob, logprob, choices_along(passage, place, min(place + width.longest, len(passage))))
        for place, logprob in _places(passage, starts, width)
    ]
    spans: list[Span] = []
    while rows:
        if cancel is not None and cancel.is_set():
            raise Cancelled("Reading was stopped.")
        _read_round(model, cache, base, passage, rows, spans, end, width)
        best = max(span.logprob for span in spans)
        rows = [row for row in rows if row.total > best and row.read < len(row.choices) - 1]
    return sorted(spans, reverse=True)


def _places(passage: Sequence[int], starts: dict[int, float], width: SearchWidth) -> list[tuple[int, float]]:
    ranked = sorted(starts.items(), key=lambda item: -item[1])
    best = torch.tensor([logprob for _, logprob in ranked]).exp()
    kept, mass = [], 0.0
    for (token, logprob), probability in zip(ranked[: width.starts], best.tolist(), strict=False):
        if kept and (mass > width.mass or probability < width.floor * float(best[0])):
            break
        kept.append((token, logprob))
        mass += probability
    places = [(place, logprob) for token, logprob in kept for place, found in enumerate(passage) if found == token]
    return places[: width.rows]


def _read_round(
    model: HiddenModel,
    cache: KVCache,
    base: int,
    passage: Sequence[int],
    rows: list[_Row],
    spans: list[Span],
    end: int,
    width: SearchWidth,
) -> None:
    tokens: list[int] = []
    positions: list[int] = []
    pieces: list[tuple[_Row, int]] = []
    for row in rows:
        take = min(width.stride, len(row.choices) - 1 - row.read)
        begin = row.place + row.read
        pieces.append((row, take))
        tokens += passage[begin : begin + take]
        positions += range(base + row.read, base + row.read + take)
    past = cache.length
    mask_TS = torch.zeros(len(tokens), past + len(tokens), dtype=torch.bool)
    mask_TS[:, :base] = True
    offset = 0
    for row, take in pieces:
        mask_TS[offset : offset + take, row.cached] = True
        mask_TS[offset : offset + take, past + offset : past + offset + take] = torch.ones(take, take).tril().bool()
        row.cached += range(past + offset, past + offset + take)
        offset += take
    hidden_BTD = model.hidden(
        torch.tensor([tokens]), cache=cache, positions_BT=torch.tensor([positions]), mask_BTS=mask_TS[None]
    )
    logits_TV = model.logits(hidden_BTD)[0]
    offset = 0
    for row, take in pieces:
        for step in range(take):
            _advance(row, logits_TV[offset + step], passage, spans, end)
        offset += take


def _advance(row: _Row, logits_V: Tensor, passage: Sequence[int], spans: list[Span], end: int) -> None:
    row.read += 1
    after = row.choices[row.read]
    chances = logits_V[torch.tensor([end, *after])].float().log_softmax(-1).tolist()
    ended = chances[0]
    spans.append(Span(row.total + ended, row.place, row.place + row.read, min(row.least, ended)))
    following = row.place + row.read
    if following < len(passage):
        on = chances[1 + after.index(passage[following])]
        row.total += on
        row.least = min(row.least, on)
