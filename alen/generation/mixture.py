"""How much of each source to believe: shares that make held-out texts likeliest, and none for what does not help.

Axes: T tokens, K mixed (the language model first), N tokens of all texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.errors import BadInput

MARGIN = 0.01
"""Nats a token that a source must gain, surely, on texts that its share was not fitted to."""

SURELY = 1.645
"""Standard errors below the mean gain: one-sided, 95 %."""

FEWEST = 8
"""Texts from which anything can be told."""

HARMED = 0.05
"""Of the texts inside a gate, so many may become less likely by ``MARGIN`` nats a token: where more do, the gate lets
in what the sources know nothing of, however much the others gain."""

NEARLY = 0.99
"""Of all that is gained inside a gate a nearer one must keep so much to be taken: what lies far off and gains a little,
by chance, would let in more of its kind that loses."""

FLOOR = 0.01
"""Share that the language model keeps at least: nothing becomes impossible."""

_GATES = 16
_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Mixture:
    """``shares`` are those of the language model and of each of ``names``, for thoughts whose ``unfamiliarity`` is at
    most ``farthest``; beyond, the language model writes alone."""

    names: tuple[str, ...]
    shares: tuple[float, ...]
    farthest: float

    def at(self, unfamiliarity: float) -> tuple[float, ...]:
        if unfamiliarity <= self.farthest:
            return self.shares
        return (1.0, *(0.0 for _ in self.names))

    def to_json(self) -> dict[str, Any]:
        return {"names": list(self.names), "shares": list(self.shares), "farthest": self.farthest}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Mixture:
        return cls(tuple(data["names"]), tuple(data["shares"]), float(data["farthest"]))


def fit(names: Sequence[str], texts: Sequence[np.ndarray], unfamiliarities: Sequence[float]) -> Mixture:
    """Shares and gate for ``texts``, float64 (T, K) each: what the language model and each of ``names`` gave each token
    (natural log), at a thought so unfamiliar. Half the texts judge what the other half fitted, and the other way round.

    Raises BadInput for too few texts, or for columns that do not fit."""
    _check(names, texts, unfamiliarities)
    alone = Mixture(tuple(names), (1.0, *(0.0 for _ in names)), 0.0)
    distances = np.asarray(unfamiliarities, dtype=np.float64)
    best, least = alone, sum(-text[:, 0].sum() for text in texts)
    for farthest in np.unique(np.quantile(distances, np.linspace(0, 1, _GATES), method="higher")):
        inside = [text for text, distance in zip(texts, distances, strict=True) if distance <= farthest]
        if len(inside) < FEWEST:
            continue
        kept = helpful(inside)
        likely = crossed(inside, kept)
        gained = np.array([(each - text[:, 0].sum()) / len(text) for each, text in zip(likely, inside, strict=True)])
        if (gained < -MARGIN).mean() > HARMED:
            continue
        outside = sum(-text[:, 0].sum() for text, distance in zip(texts, distances, strict=True) if distance > farthest)
        loss = outside - likely.sum()
        if loss < least - 1e-9:
            least = loss
            nearer = _nearest(distances[distances <= farthest], gained * [len(text) for text in inside])
            some = [text for text, distance in zip(texts, distances, strict=True) if distance <= nearer]
            best = Mixture(tuple(names), tuple(shares(some, kept).tolist()), nearer)
    return best


def _nearest(distances: np.ndarray, gained: np.ndarray) -> float:
    """How far the nearest texts go that gain ``NEARLY`` as much as all."""
    order = distances.argsort(kind="stable")
    enough = gained[order].cumsum() >= NEARLY * gained.sum()
    return float(distances[order][enough.argmax()])


def shares(texts: Sequence[np.ndarray], kept: Sequence[int] | None = None) -> np.ndarray:
    """float64 (K,): the shares, summing to 1, that make all tokens likeliest, by expectation maximisation, which cannot
    miss: the log-likelihood is concave in them. Columns that are not ``kept`` get 0, the first at least ``FLOOR``."""
    logged_NK = np.concatenate(texts)
    found_K = np.zeros(logged_NK.shape[1])
    columns = list(range(logged_NK.shape[1]) if kept is None else kept)
    some_NK = logged_NK[:, columns]
    likely_NK = np.exp(some_NK - some_NK.max(axis=1, keepdims=True))
    share_K = np.full(len(columns), 1 / len(columns))
    for _ in range(_ROUNDS):
        part_NK = likely_NK * share_K
        before_K, share_K = share_K, (part_NK / part_NK.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(share_K - before_K).max() < 1e-9:
            break
    found_K[columns] = share_K
    if found_K[0] < FLOOR:
        found_K[1:] *= (1 - FLOOR) / found_K[1:].sum()
        found_K[0] = FLOOR
    return found_K


def likelihood(text: np.ndarray, share_K: np.ndarray) -> float:
    """The natural log of the mixed probability of a text."""
    used = share_K > 0
    return float(np.logaddexp.reduce(text[:, used] + np.log(share_K[used]), axis=1).sum())


def crossed(texts: Sequence[np.ndarray], kept: Sequence[int]) -> np.ndarray:
    """The log-likelihood of each text under shares fitted to the half that it is not in."""
    fitted = [shares(texts[1 - half :: 2], kept) for half in (0, 1)]
    return np.array([likelihood(text, fitted[place % 2]) for place, text in enumerate(texts)])


def helpful(texts: Sequence[np.ndarray]) -> list[int]:
    """The columns without which texts would surely be less likely by ``MARGIN`` nats a token, least helpful tried
    first; always the first column."""
    kept = list(range(texts[0].shape[1]))
    tokens = sum(map(len, texts))
    while len(kept) > 1:
        with_all = crossed(texts, kept)
        gains = {}
        for column in kept[1:]:
            gain = with_all - crossed(texts, [each for each in kept if each != column])
            sure = gain.sum() - SURELY * math.sqrt(len(gain)) * gain.std(ddof=1)
            gains[column] = float(sure) / tokens
        least = min(gains, key=gains.__getitem__)
        if gains[least] > MARGIN:
            break
        kept.remove(least)
    return kept


def _check(names: Sequence[str], texts: Sequence[np.ndarray], unfamiliarities: Sequence[float]) -> None:
    if len(texts) < FEWEST or len(texts) != len(unfamiliarities):
        found = f"{len(texts)} texts, {len(unfamiliarities)} thoughts"
        raise BadInput("texts", found, f"at least {FEWEST}, each with its thought", "Give more held-out texts.")
    for text in texts:
        if text.ndim != 2 or text.shape[1] != len(names) + 1 or not len(text) or not np.isfinite(text[:, 0]).all():
            found, allowed = f"an array of {text.shape}", f"(tokens, {len(names) + 1}), the language model's finite"
            raise BadInput("texts", found, allowed, "Make it with told_apart.")
