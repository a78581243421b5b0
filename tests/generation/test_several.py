"""Several texts at once are what each would be alone."""

from __future__ import annotations

import math
import threading

import pytest
import torch

from alen.generation.config import GenerationConfig
from alen.generation.decode import decode
from alen.generation.several import write_several
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer

PROMPT = [3, 14, 15, 9, 2, 6]


@pytest.fixture(scope="module")
def model() -> Transformer:
    torch.manual_seed(0)
    shape = {"vocab_size": 40, "d_model": 32, "num_layers": 2, "max_seq_len": 64}
    return Transformer(TransformerConfig(**shape, attention={"num_heads": 4})).eval()


def test_the_likeliest_text_is_that_of_the_loop_for_one(model: Transformer) -> None:
    config = GenerationConfig(max_tokens=12)
    steps = list(decode(model, PROMPT, config))
    for draft in write_several(model, PROMPT, 3, config):
        assert draft.tokens == [step.token for step in steps]
        assert draft.logprobs == pytest.approx([step.logprob for step in steps], abs=1e-4)


def test_margins_and_entropies_are_those_of_the_full_distribution(model: Transformer) -> None:
    [draft] = write_several(model, PROMPT, 1, GenerationConfig(max_tokens=3))
    seen = list(PROMPT)
    for place, token in enumerate(draft.tokens):
        with torch.inference_mode():
            told = model(torch.tensor([seen]))[0, -1].log_softmax(-1).tolist()
        first, second = sorted(told, reverse=True)[:2]
        assert draft.margins[place] == pytest.approx(first - second, abs=1e-4)
        assert draft.entropies[place] == pytest.approx(-sum(math.exp(x) * x for x in told), abs=1e-4)
        assert draft.logprobs[place] == pytest.approx(told[token], abs=1e-4)
        seen.append(token)


def test_a_text_that_ends_early_leaves_the_others_as_they_are(model: Transformer) -> None:
    """With its row gone the others must go on with their own cache."""
    config = GenerationConfig(max_tokens=16, temperature=1.0, seed=5)
    drafts = write_several(model, PROMPT, 6, config, is_over=lambda text, token: text in {1, 3} and token % 2 == 0)
    assert {len(draft.tokens) for place, draft in enumerate(drafts) if place not in {1, 3}} == {16}
    assert [drafts[place].finish_reason for place in (1, 3)] == ["stop", "stop"]
    for draft in drafts:
        with torch.inference_mode():
            told_TV = model(torch.tensor([PROMPT + draft.tokens]))[0].log_softmax(-1)
        expected = [float(told_TV[len(PROMPT) - 1 + at, token]) for at, token in enumerate(draft.tokens)]
        assert draft.logprobs == pytest.approx(expected, abs=1e-4)


def test_the_seed_fixes_all_texts_and_they_differ(model: Transformer) -> None:
    config = GenerationConfig(max_tokens=10, temperature=1.0, seed=1)
    once, again = (write_several(model, PROMPT, 5, config) for _ in range(2))
    assert [draft.tokens for draft in once] == [draft.tokens for draft in again]
    # 40 tokens, ten steps, nearly uniform: that two of five are the same has a chance below 10^-12.
    assert len({tuple(draft.tokens) for draft in once}) == 5


def test_an_end_token_is_not_part_of_a_text(model: Transformer) -> None:
    config = GenerationConfig(max_tokens=40, temperature=1.0, seed=2)
    drafts = write_several(model, PROMPT, 8, config, end_tokens=range(0, 40, 4))
    assert all(draft.finish_reason == "stop" for draft in drafts)
    assert all(token % 4 for draft in drafts for token in draft.tokens)
    assert all(len(draft.tokens) == len(draft.entropies) for draft in drafts)


def test_a_cancel_keeps_what_is_there(model: Transformer) -> None:
    cancel = threading.Event()

    def is_over(text: int, token: int) -> bool:
        cancel.set()
        return False

    drafts = write_several(model, PROMPT, 2, GenerationConfig(max_tokens=30), is_over=is_over, cancel=cancel)
    assert [(len(draft.tokens), draft.finish_reason) for draft in drafts] == [(1, "cancelled")] * 2
