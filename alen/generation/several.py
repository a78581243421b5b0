"""Several texts after one prompt, written together: the prompt is read once, and a step reads the weights once for all.

Axes: B texts, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from alen.generation.config import GenerationConfig
from alen.generation.decode import PREFILL_CHUNK, CausalModel
from alen.generation.sampling import choose
from alen.neural.cache import KVCache
from alen.types import CancelToken


@dataclass(slots=True)
class Draft:
    """One of the texts as tokens; what ``Completion`` says of log-probabilities, margins and entropies holds here."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    finish_reason: str = "length"


@torch.inference_mode()
def write_several(
    model: CausalModel,
    prompt: Sequence[int],
    count: int,
    config: GenerationConfig,
    *,
    end_tokens: Sequence[int] = (),
    is_over: Callable[[int, int], bool] = lambda text, token: False,
    cancel: CancelToken | None = None,
    lock: AbstractContextManager[object] | None = None,
) -> list[Draft]:
    """``count`` texts; ``config.seed`` fixes all of them. ``is_over(text, token)`` hears each new token and may end its
    text, which keeps the token. A cancel ends all of them with what they have. Raises BadInput as ``decode`` does."""
    budget = config.budget(len(prompt), model.config.max_seq_len)
    held = lock if lock is not None else nullcontext()
    dtype = next(model.parameters()).dtype if hasattr(model, "parameters") else torch.float32
    cache = KVCache.allocate(model.config, 1, len(prompt) + budget, dtype)
    for start in range(0, len(prompt), PREFILL_CHUNK):
        if cancel is not None and cancel.is_set():
            return [Draft(finish_reason="cancelled") for _ in range(count)]
        with held:
            ids_BT = torch.tensor([list(prompt[start : start + PREFILL_CHUNK])])
            logits_BV = model(ids_BT, cache=cache, last_only=True)[:, -1].float()
    return continue_several(
        model,
        cache,
        logits_BV[0],
        count,
        config,
        budget=budget,
        end_tokens=end_tokens,
        is_over=is_over,
        cancel=cancel,
        lock=lock,
    )


@torch.inference_mode()
def continue_several(
    model: CausalModel,
    cache: KVCache,
    logits_V: Tensor,
    count: int,
    config: GenerationConfig,
    *,
    budget: int,
    end_tokens: Sequence[int] = (),
    is_over: Callable[[int, int], bool] = lambda text, token: False,
    cancel: CancelToken | None = None,
    lock: AbstractContextManager[object] | None = None,
) -> list[Draft]:
    """``write_several`` after a prompt that was read already: ``cache`` holds it, in one row with room for ``budget``
    tokens more, and stays as it is; ``logits_V`` are those after it."""
    ends = config.end_tokens(end_tokens)
    held = lock if lock is not None else nullcontext()
    random = torch.Generator()
    random.manual_seed(config.seed) if config.seed is not None else random.seed()
    drafts = [Draft() for _ in range(count)]
    open_B = list(range(count))
    logits_BV = logits_V.expand(count, -1)
    cache = cache.rows(torch.zeros(count, dtype=torch.long))
    for step in range(budget):
        chosen = [choose(row_V, config, random) for row_V in logits_BV]
        _note(drafts, open_B, chosen, logits_BV)
        kept = []
        for row, (text, token) in enumerate(zip(open_B, chosen, strict=True)):
            if token in ends:
                _drop_last(drafts[text])
                drafts[text].finish_reason = "stop"
            elif is_over(text, token):
                drafts[text].finish_reason = "stop"
            else:
                kept.append(row)
        if len(kept) < len(open_B):
            open_B, chosen = [open_B[row] for row in kept], [chosen[row] for row in kept]
            cache = cache.rows(torch.tensor(kept, dtype=torch.long)) if kept else cache
        if not open_B or step == budget - 1:
            break
        if cancel is not None and cancel.is_set():
            return _ended(drafts, open_B, "cancelled")
        with held:
            logits_BV = model(torch.tensor(chosen)[:, None], cache=cache, last_only=True)[:, -1].float()
    return drafts


def _note(drafts: list[Draft], open_B: Sequence[int], chosen: Sequence[int], logits_BV: Tensor) -> None:
    told_BV = logits_BV.log_softmax(-1)
    best_B2 = told_BV.topk(2, dim=-1).values
    entropy_B = -(told_BV.exp() * told_BV).nan_to_num().sum(-1)
    logprob_B = told_BV.gather(1, torch.tensor(chosen)[:, None])[:, 0]
    margin_B = best_B2[:, 0] - best_B2[:, 1]
    values = zip(open_B, chosen, logprob_B.tolist(), margin_B.tolist(), entropy_B.tolist(), strict=True)
    for text, token, logprob, margin, entropy in values:
        draft = drafts[text]
        draft.tokens.append(token)
        draft.logprobs.append(logprob)
        draft.margins.append(margin)
        draft.entropies.append(entropy)


def _drop_last(draft: Draft) -> None:
    for column in (draft.tokens, draft.logprobs, draft.margins, draft.entropies):
        column.pop()


def _ended(drafts: list[Draft], open_B: Sequence[int], reason: str) -> list[Draft]:
    for text in open_B:
        drafts[text].finish_reason = reason
    return drafts
