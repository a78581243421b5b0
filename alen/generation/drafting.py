"""Drafts without a draft model: what came after the same words before, in the prompt, in what was written, in what
memory recalled for the request.

A draft costs what the step takes longer for its rows, and gains a token for each that is taken. Both are measured while
it goes; as many tokens are drafted as gain most for their time, none where drafting does not pay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RUNS = (8, 5, 3, 2)
"""Lengths of the runs of tokens that are looked for, the longest first."""

_BELIEVED = {8: 0.8, 5: 0.6, 3: 0.4, 2: 0.25}
"""Chance that the next token is taken after a run of this length, before anything was seen."""

_WEIGHT = 10.0
"""Tokens that this belief counts as."""

_TRIED_AGAIN = 64
"""Long runs that are left undrafted before one is drafted all the same: a size of step that was slow once, since the
machine had other things to do, would never be timed again otherwise. It costs about a hundredth of the time."""

_LONG = 5

_KEPT = 0.9
"""Share of the older mean that a new time leaves."""


@dataclass(frozen=True, slots=True)
class Draft:
    """``tokens`` that may come next, after a run of ``run`` tokens that stood in ``source``."""

    tokens: Sequence[int]
    run: int = 0
    source: str = ""


NONE = Draft(())


class Runs:
    """Where each run of tokens of a text was last followed by something."""

    def __init__(self, tokens: Sequence[int] = (), source: str = "") -> None:
        self.source = source
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            end = len(self._tokens)
            for run in RUNS:
                if run <= end:
                    self._after[tuple(self._tokens[end - run :])] = end
            self._tokens.append(token)

    def after(self, run: tuple[int, ...], most: int) -> Sequence[int]:
        place = self._after.get(run)
        return () if place is None else self._tokens[place : place + most]


class DraftCosts:
    """How long a step of so many rows takes, and how often drafted tokens are taken, over all requests of a model."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._taken = {run: believed * _WEIGHT for run, believed in _BELIEVED.items()}
        self._tried = dict.fromkeys(_BELIEVED, _WEIGHT)
        self._passed = 0

    def timed(self, rows: int, seconds: float) -> None:
        before = self._seconds.get(rows)
        # The quickest counts: what else the machine did is not the price of a row.
        self._seconds[rows] = seconds if before is None else min(seconds, _KEPT * before + (1 - _KEPT) * seconds)

    def graded(self, run: int, drafted: int, taken: int) -> None:
        """``taken`` of the first tokens were right; all after the first wrong one say nothing."""
        if not drafted:
            return
        self._taken[run] += taken
        self._tried[run] += min(drafted, taken + 1)
        if self._tried[run] > 50 * _WEIGHT:  # what was seen long ago fades
            self._taken[run] /= 2
            self._tried[run] /= 2

    def worth(self, run: int, rows: int, most: int) -> int:
        """How many tokens to draft after a run of this length, in a step of ``rows`` rows without them, each of which
        gives a token and waits for the draft."""
        chance = self._taken[run] / self._tried[run]
        alone = self._estimate(rows)
        best, most_gained, gained, each = 0, 1.0, 1.0, 1.0
        for count in range(1, most + 1):
            each *= chance
            gained += each
            rate = (rows - 1 + gained) / rows * alone / self._estimate(rows + count)
            if rate > most_gained:
                best, most_gained = count, rate
        if best or run < _LONG:
            return best
        self._passed = (self._passed + 1) % _TRIED_AGAIN
        return 0 if self._passed else most

    def _estimate(self, rows: int) -> float:
        """From the nearest sizes that were timed; a row that never was is taken to cost a tenth of a step."""
        if rows in self._seconds:
            return self._seconds[rows]
        less = max((size for size in self._seconds if size < rows), default=None)
        more = min((size for size in self._seconds if size > rows), default=None)
        if less is None:
            return 1.0 + 0.1 * rows if more is None else self._seconds[more]
        if more is None:
            return self._seconds[less] * (1.0 + 0.1 * (rows - less))
        share = (rows - less) / (more - less)
        return (1 - share) * self._seconds[less] + share * self._seconds[more]


class Drafter:
    """Of one request. ``recalled`` are texts that may be quoted, by where they come from."""

    def __init__(
        self, costs: DraftCosts, prompt: Sequence[int], recalled: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self._costs = costs
        self._recent = list(prompt[-RUNS[0] :])
        self._own = Runs(prompt, "prompt")
        self._texts = [self._own, *(Runs(tokens, source) for source, tokens in (recalled or {}).items())]

    def extend(self, tokens: Sequence[int]) -> None:
        self._own.extend(tokens)
        self._recent = [*self._recent, *tokens][-RUNS[0] :]

    def propose(self, rows: int, most: int) -> Draft:
        for run in RUNS:
            if run > len(self._recent):
                continue
            key = tuple(self._recent[-run:])
            for text in self._texts:
                found = text.after(key, most)
                if found:
                    return Draft(found[: self._costs.worth(run, rows, len(found))], run, text.source)
        return NONE

    def graded(self, draft: Draft, taken: int) -> None:
        self._costs.graded(draft.run, len(draft.tokens), taken)
