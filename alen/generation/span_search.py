"""Exact search for the most probable verbatim span of a passage.

All spans of a passage form a tree: a branch is a run of tokens that stands somewhere in the passage, and it forks where
the run stands in several places that go on differently. One look at the question gives the probability of every
first token. Then, a round at a time, the likeliest branches are read together in one sequence, each seeing the passage,
the question and its own beginning, and as far as the passage leaves no choice, several tokens at once. Each token read
gives the probability that the answer ends there and those of the ways on. A branch less likely than the best span found
cannot lead to a better one and is not read, so the search ends with the best span, unless its allowance of tokens is
used up.

Axes: T tokens read in a round, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alen.errors import Cancelled
from alen.generation.span_trees import SpanTree
from alen.types import CancelToken


@dataclass(frozen=True, slots=True)
class SearchWidth:
    """How much is read. ``branches`` at most in a round, none with a probability below ``floor`` times the likeliest
    one's; ``stride`` tokens of a branch in a round; ``longest`` tokens a span; ``allowance`` tokens in all."""

    branches: int = 6
    floor: float = 0.05
    stride: int = 6
    longest: int = 48
    allowance: int = 256


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Tokens [first, last) of the passage; log-probabilities are natural and include the end mark."""

    logprob: float
    first: int
    last: int
    least: float


@dataclass(slots=True)
class _Branch:
    """A run of ``size`` tokens that begins at each of ``places``; all but the last have been read, up to ``node``.
    ``logprob`` and ``least`` are of all its tokens."""

    logprob: float
    least: float
    places: list[int]
    size: int
    node: Any


def find_spans(
    tree: SpanTree,
    passage: Sequence[int],
    starts: dict[int, float],
    *,
    end: int,
    width: SearchWidth,
    cancel: CancelToken | None = None,
) -> list[Span]:
    """Spans found, best first. ``tree`` has read the passage and the question, and has room for ``width.allowance``
    tokens; ``starts`` maps every token of the passage to its log-probability of being the answer's first; ``end`` is
    the end mark. A span that stands in several places is given at the first. Raises Cancelled between two rounds."""
    open_branches = [
        _Branch(logprob, logprob, [place for place, found in enumerate(passage) if found == token], 1, tree.root)
        for token, logprob in starts.items()
    ]
    spans: list[Span] = []
    allowance = width.allowance
    while open_branches:
        if cancel is not None and cancel.is_set():
            raise Cancelled("Reading was stopped.")
        open_branches.sort(key=lambda branch: -branch.logprob)
        lowest = open_branches[0].logprob + torch.tensor(width.floor).log().item()
        chosen = [branch for branch in open_branches[: width.branches] if branch.logprob >= lowest]
        runs = [_forced(passage, branch, width) for branch in chosen]
        while runs and sum(map(len, runs)) > allowance:
            runs.pop()
        if not runs:
            break
        allowance -= sum(map(len, runs))
        read = tree.read([(each.node, each.size - 1, run) for each, run in zip(chosen, runs, strict=False)])
        grown = open_branches[len(runs) :]
        for branch, run, (node, logits_TV) in zip(chosen, runs, read, strict=False):
            branch.node = node
            grown += _grow(branch, run, logits_TV, passage, spans, end, width)
        best = max(span.logprob for span in spans)
        open_branches = [branch for branch in grown if branch.logprob > best]
    return sorted(spans, reverse=True)


def _forced(passage: Sequence[int], branch: _Branch, width: SearchWidth) -> list[int]:
    """The branch's last token and those that must follow it as long as there is one way on."""
    offset = branch.size - 1
    run = [passage[branch.places[0] + offset]]
    while len(run) < width.stride and offset + len(run) < width.longest:
        following = {passage[at] for place in branch.places if (at := place + offset + len(run)) < len(passage)}
        # A place where the passage ends is a fork too: not all places go on.
        if len(following) != 1 or branch.places[-1] + offset + len(run) >= len(passage):
            break
        run.append(following.pop())
    return run


def _grow(
    branch: _Branch,
    run: Sequence[int],
    logits_TV: Tensor,
    passage: Sequence[int],
    spans: list[Span],
    end: int,
    width: SearchWidth,
) -> list[_Branch]:
    """Note the spans that end along ``run`` and return the branches that leave its last token."""
    logprob, least, size = branch.logprob, branch.least, branch.size
    for step in range(len(run)):
        ways: dict[int, list[int]] = {}
        for place in branch.places:
            if place + size < len(passage):
                ways.setdefault(passage[place + size], []).append(place)
        chances = logits_TV[step][torch.tensor([end, *ways])].float().log_softmax(-1).tolist()
        first = branch.places[0]
        spans.append(Span(logprob + chances[0], first, first + size, min(least, chances[0])))
        if step + 1 < len(run):
            logprob, least, size = logprob + chances[1], min(least, chances[1]), size + 1
    if size >= width.longest:
        return []
    return [
        _Branch(logprob + on, min(least, on), places, size + 1, branch.node)
        for on, places in zip(chances[1:], ways.values(), strict=True)
    ]
