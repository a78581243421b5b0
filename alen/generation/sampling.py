"""Choosing the next token from logits: pure functions, no state but the generator that is passed in.

Axes: V vocabulary, K kept tokens (likeliest first).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from alen.generation.config import GenerationConfig

_NUCLEUS_GUESS = 512
"""A nucleus rarely holds more tokens; a partial sort of these spares sorting the vocabulary."""


def choose(
    logits_V: Tensor, config: GenerationConfig, generator: torch.Generator | None, seen: Iterable[int] = ()
) -> int:
    """The next token id. Greedy is the argmax (the lowest id among equals); otherwise one draw of ``generator``."""
    logits_V = penalise(logits_V, seen, config.repetition_penalty)
    if config.is_greedy:
        return int(logits_V.argmax())
    ids_K, probabilities_K = distribution(logits_V, config.temperature or 1.0, config.top_k, config.top_p)
    draw = torch.rand((), generator=generator, dtype=torch.float64)
    # Inverse of the cumulative distribution: one uniform number a token, whatever top_k and top_p keep.
    cumulative_K = probabilities_K.double().cumsum(0)
    place = int(torch.searchsorted(cumulative_K, draw * cumulative_K[-1], right=True))
    return int(ids_K[min(place, len(ids_K) - 1)])


def distribution(
    logits_V: Tensor, temperature: float, top_k: int | None = None, top_p: float | None = None
) -> tuple[Tensor, Tensor]:
    """Token ids and their probabilities (float32, summing to 1) after temperature, then top-k, then top-p.

    The nucleus is the shortest run of likeliest tokens whose probability reaches ``top_p``; one token always stays."""
    scaled_V = logits_V.float() / temperature
    size = scaled_V.shape[-1]
    if top_k is None and (top_p is None or top_p >= 1.0):
        return torch.arange(size), scaled_V.softmax(-1)
    if top_k is not None:
        values_K, ids_K = scaled_V.topk(min(top_k, size))
        probabilities_K = values_K.softmax(-1)
    else:
        probabilities_V = scaled_V.softmax(-1)
        probabilities_K, ids_K = probabilities_V.topk(min(_NUCLEUS_GUESS, size))
        if float(probabilities_K.sum()) < (top_p or 1.0):
            probabilities_K, ids_K = probabilities_V.sort(descending=True)
    if top_p is not None and top_p < 1.0:
        before_K = probabilities_K.cumsum(-1) - probabilities_K
        keep = max(1, int((before_K < top_p).sum()))
        ids_K, probabilities_K = ids_K[:keep], probabilities_K[:keep]
        probabilities_K = probabilities_K / probabilities_K.sum()
    return ids_K, probabilities_K


def penalise(logits_V: Tensor, seen: Iterable[int], penalty: float) -> Tensor:
    """Divide positive and multiply negative logits of seen tokens by ``penalty`` (Keskar et al., 2019, CTRL)."""
    if penalty == 1.0:
        return logits_V
    ids = torch.tensor(sorted(set(seen)), dtype=torch.long)
    if not len(ids):
        return logits_V
    penalised_V = logits_V.clone()
    picked = penalised_V[ids]
    penalised_V[ids] = torch.where(picked > 0, picked / penalty, picked * penalty)
    return penalised_V


def log_probability(logits_V: Tensor, token: int) -> float:
    """Natural log of the probability that the model itself gives a token, before temperature and filters."""
    logits_V = logits_V.float()
    return float(logits_V[token] - logits_V.logsumexp(-1))
