"""Hybrid generation: the next token by a language model and by other sources, mixed as kNN-LM mixes (Khandelwal et al.,
2020, "Generalization through memorization").

Axes: V vocabulary, T tokens, K mixed (the language model first).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from alen.errors import BadInput
from alen.generation.latent_decoder import FittedDecoder
from alen.thought import ThoughtState

LONGEST_RUN = 8
SHORTEST_RUN = 2
"""Tokens of what was written that are looked for in passages: fewer occur everywhere."""


class Source(Protocol):
    """Something that knows what may come next."""

    def next(self, written: Sequence[int], size: int) -> Tensor | None:
        """The natural log of the probability of each of ``size`` tokens; None when it has nothing to say, and the
        language model is believed in its place."""
        ...


class ThoughtSource:
    """What a decoder would say at one thought."""

    def __init__(self, decoder: FittedDecoder, thought: ThoughtState) -> None:
        decoder.check([thought])
        self._decoder, self._thought = decoder, thought

    def next(self, written: Sequence[int], size: int) -> Tensor | None:
        return self._decoder.next(self._thought, written, size)


class RecalledTexts:
    """What memory recalled, in tokens, each with how much it counts. An answer that begins with all that was written
    says what comes next, or ``end``; else what followed the longest run of the last tokens in any of the texts, of at
    least ``SHORTEST_RUN``."""

    def __init__(
        self,
        answers: Sequence[tuple[Sequence[int], float]] = (),
        passages: Sequence[tuple[Sequence[int], float]] = (),
        *,
        end: int | None = None,
    ) -> None:
        self._end = end
        self._answers = [(tuple(tokens), weight) for tokens, weight in answers if weight > 0 and tokens]
        self._passages = [(tuple(tokens), weight) for tokens, weight in passages if weight > 0 and tokens]

    def next(self, written: Sequence[int], size: int) -> Tensor | None:
        votes = self._begun(tuple(written)) or self._quoted(tuple(written[-LONGEST_RUN:]))
        votes = {token: weight for token, weight in votes.items() if token < size}
        if not votes:
            return None
        logged_V = torch.full((size,), -math.inf)
        total = math.log(sum(votes.values()))
        for token, weight in votes.items():
            logged_V[token] = math.log(weight) - total
        return logged_V

    def _begun(self, written: tuple[int, ...]) -> dict[int, float]:
        votes: dict[int, float] = {}
        for tokens, weight in self._answers:
            if tokens[: len(written)] == written:
                token = tokens[len(written)] if len(tokens) > len(written) else self._end
                if token is not None:
                    votes[token] = votes.get(token, 0.0) + weight
        return votes

    def _quoted(self, last: tuple[int, ...]) -> dict[int, float]:
        for run in range(len(last), SHORTEST_RUN - 1, -1):
            votes: dict[int, float] = {}
            for tokens, weight in (*self._answers, *self._passages):
                for place in range(len(tokens) - run):
                    if tokens[place : place + run] == last[-run:]:
                        votes[tokens[place + run]] = votes.get(tokens[place + run], 0.0) + weight
            if votes:
                return votes
        return {}


class Mixer:
    """``shares`` sum to 1: the language model's, then one for each of ``sources``."""

    def __init__(self, shares: Sequence[float], sources: Sequence[Source]) -> None:
        if len(shares) != len(sources) + 1 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6 or shares[0] <= 0:
            allowed = "shares that sum to 1, the language model's above 0, and one for each source"
            raise BadInput("shares", f"{list(shares)} for {len(sources)} sources", allowed, "Fit them.")
        self._shares, self._sources = tuple(shares), tuple(sources)

    def mixed(self, logged_V: Tensor, written: Sequence[int]) -> Tensor:
        """The natural log of the mixed probability of each token, from that of the language model. What a source that
        has nothing to say would have had goes to the language model."""
        own, told = self._shares[0], list[Tensor]()
        for share, source in zip(self._shares[1:], self._sources, strict=True):
            found_V = source.next(written, len(logged_V)) if share else None
            if found_V is None:
                own += share
            else:
                told.append(found_V + math.log(share))
        if not told:
            return logged_V
        return torch.stack([logged_V + math.log(own), *told]).logsumexp(0)


def told_apart(logged_T: Sequence[float], sources: Sequence[Source], tokens: Sequence[int], size: int) -> np.ndarray:
    """float64 (T, K): the natural log of what the language model (``logged_T``) and each source gave each token of a
    text; where a source has nothing to say, what the language model gave."""
    found_TK = np.repeat(np.asarray(logged_T, dtype=np.float64)[:, None], 1 + len(sources), axis=1)
    for column, source in enumerate(sources, 1):
        for place, token in enumerate(tokens):
            said_V = source.next(tokens[:place], size)
            if said_V is not None:
                found_TK[place, column] = float(said_V[token])
    return found_TK
