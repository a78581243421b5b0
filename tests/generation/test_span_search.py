"""The span search against every span scored alone, without cache, packing or pruning."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
import torch

from alen.errors import Cancelled
from alen.generation.span_search import SearchWidth, Span, find_spans
from alen.generation.span_trees import ForkedTree, MaskedTree
from alen.generation.stepper import TorchStepper
from alen.neural.cache import KVCache
from alen.neural.paging import Feed
from alen.neural.transformer import Transformer
from tests.byte_reader import tiny_model

END = 1
QUESTION = [9, 10, 11, 9]


def first_chances(model: Transformer, prompt: Sequence[int], passage: Sequence[int]) -> dict[int, float]:
    logits = model(torch.tensor([list(prompt)]))[0, -1].double()
    choices = sorted(set(passage))
    return dict(zip(choices, logits[choices].log_softmax(-1).tolist(), strict=True))


@torch.inference_mode()
def brute_force(model: Transformer, passage: Sequence[int], longest: int) -> dict[tuple[int, ...], float]:
    prompt = [0, *passage, *QUESTION]
    starts = first_chances(model, prompt, passage)
    scores = {}
    runs = {tuple(passage[i:j]) for i in range(len(passage)) for j in range(i + 1, min(i + longest, len(passage)) + 1)}
    for run in runs:
        logits = model(torch.tensor([[*prompt, *run]]))[0, -len(run) :].double()
        total = starts[run[0]]
        for step in range(len(run)):
            head = run[: step + 1]
            ways = {
                passage[i + len(head)]
                for i in range(len(passage) - len(head))
                if tuple(passage[i : i + len(head)]) == head
            }
            options = [END, *sorted(ways)]
            chances = dict(zip(options, logits[step][options].log_softmax(-1).tolist(), strict=True))
            total += chances[END] if step == len(run) - 1 else chances[run[step + 1]]
        scores[run] = total
    return scores


@torch.inference_mode()
def search(model: Transformer, passage: Sequence[int], width: SearchWidth, cancel: object = None) -> list[Span]:
    prompt = [0, *passage, *QUESTION]
    cache = KVCache.allocate(model.config, 1, len(prompt) + width.allowance)
    model.hidden(torch.tensor([prompt]), cache=cache)
    tree = MaskedTree(model, cache)
    return find_spans(tree, passage, first_chances(model, prompt, passage), end=END, width=width, cancel=cancel)


@torch.inference_mode()
def test_texts_that_fork_find_what_one_masked_sequence_finds() -> None:
    model = tiny_model(12, seed=4, scale=2.0)
    passage = torch.randint(2, 8, (40,), generator=torch.Generator().manual_seed(4)).tolist()
    prompt, width = [0, *passage, *QUESTION], SearchWidth(floor=1e-9)
    stepper = TorchStepper(model)
    text = stepper.begin()
    stepper.step([Feed(text, prompt)])
    tree = ForkedTree(stepper, text)
    found = find_spans(tree, passage, first_chances(model, prompt, passage), end=END, width=width)
    masked = search(model, passage, width)
    assert [(span.first, span.last) for span in found] == [(span.first, span.last) for span in masked]
    assert [span.logprob for span in found] == pytest.approx([span.logprob for span in masked], abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_best_span_is_the_best_of_all(seed: int) -> None:
    model = tiny_model(12, seed=seed, scale=2.0)
    passage = torch.randint(2, 8, (24,), generator=torch.Generator().manual_seed(seed)).tolist()
    wide = SearchWidth(branches=3, stride=4, longest=6, allowance=400, floor=1e-9)
    found = search(model, passage, wide)
    every = brute_force(model, passage, wide.longest)
    assert found[0].logprob == pytest.approx(max(every.values()), abs=1e-4)
    for span in found:
        assert span.logprob == pytest.approx(every[tuple(passage[span.first : span.last])], abs=1e-4)
        assert span.least <= 0
        assert span.logprob <= span.least + 1e-6


def test_a_first_token_that_stands_in_many_places_loses_none_of_them() -> None:
    model = tiny_model(12, seed=3, scale=2.0)
    passage = [2, 3] * 12 + [2, 4, 5]
    wide = SearchWidth(longest=4, allowance=400, floor=1e-9)
    every = brute_force(model, passage, 4)
    assert search(model, passage, wide)[0].logprob == pytest.approx(max(every.values()), abs=1e-4)


def test_probabilities_of_all_spans_sum_to_at_most_one() -> None:
    model = tiny_model(12, seed=1)
    passage = [2, 3, 4, 2, 5, 6]
    found = search(model, passage, SearchWidth(floor=1e-9, longest=6, branches=50))
    total = torch.tensor([span.logprob for span in found]).exp().sum().item()
    assert 0 < total <= 1 + 1e-5


def test_allowance_bounds_what_is_read() -> None:
    model = tiny_model(12, seed=2)
    passage = torch.randint(2, 8, (40,), generator=torch.Generator().manual_seed(2)).tolist()
    assert search(model, passage, SearchWidth(branches=2, stride=4, allowance=8, floor=1e-9))


def test_cancelled_search_stops() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        search(tiny_model(12), [2, 3, 4], SearchWidth(), stop)
