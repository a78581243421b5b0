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
    ids_K, probabilities_K = distribution(
        logits_V,
        config.temperature or 1.0,
        config.top_k,
        config.top_p,
        min_p=config.min_p,
        typical_p=config.typical_p,
    )
    draw = torch.rand((), generator=generator, dtype=torch.float64)
    # Inverse of the cumulative distribution: one uniform number a token, whatever filters keep.
    cumulative_K = probabilities_K.double().cumsum(0)
    place = int(torch.searchsorted(cumulative_K, draw * cumulative_K[-1], right=True))
    return int(ids_K[min(place, len(ids_K) - 1)])


def distribution(
    logits_V: Tensor,
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
    *,
    min_p: float | None = None,
    typical_p: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Token ids and their probabilities (float32, summing to 1) after temperature, then top-k, typical, top-p and
    min-p, each of what the one before left. One token always stays.

    The nucleus is the shortest run of likeliest tokens whose probability reaches ``top_p``."""
    scaled_V = logits_V.float() / temperature
    if top_k is not None:
        values_K, ids_K = scaled_V.topk(min(top_k, len(scaled_V)))
        probabilities_K = values_K.softmax(-1)
    else:
        ids_K, probabilities_K = torch.arange(len(scaled_V)), scaled_V.softmax(-1)
    if typical_p is not None and typical_p < 1.0:
        surprise_K = -probabilities_K.log()
        expected = (probabilities_K * surprise_K).nan_to_num().sum()
        order_K = (surprise_K - expected).abs().argsort(stable=True)
        kept = _reaching(probabilities_K[order_K], typical_p)
        # The likeliest first, as every filter here leaves them.
        ids_K, probabilities_K = _among(ids_K, probabilities_K, order_K[:kept].sort().values)
    if top_p is not None and top_p < 1.0:
        ids_K, probabilities_K = _nucleus(ids_K, probabilities_K, top_p)
    if min_p is not None and min_p > 0.0:
        kept_K = (probabilities_K >= min_p * probabilities_K.max()).nonzero()[:, 0]
        ids_K, probabilities_K = _among(ids_K, probabilities_K, kept_K)
    return ids_K, probabilities_K


def _nucleus(ids_K: Tensor, probabilities_K: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    values_K, order_K = probabilities_K.topk(min(_NUCLEUS_GUESS, len(probabilities_K)))
    if float(values_K.sum()) < top_p:
        values_K, order_K = probabilities_K.sort(descending=True)
    return _among(ids_K, probabilities_K, order_K[: _reaching(values_K, top_p)])


def _reaching(probabilities_K: Tensor, share: float) -> int:
    before_K = probabilities_K.cumsum(-1) - probabilities_K
    return max(1, int((before_K < share).sum()))


def _among(ids_K: Tensor, probabilities_K: Tensor, kept_K: Tensor) -> tuple[Tensor, Tensor]:
    probabilities_K = probabilities_K[kept_K]
    return ids_K[kept_K], probabilities_K / probabilities_K.sum()


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
