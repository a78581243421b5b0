"""Sampling against distributions worked out by hand."""

import math

import pytest
import torch

from alen.generation.config import GenerationConfig
from alen.generation.sampling import choose, distribution, penalise

LOGITS = torch.tensor([1.0, 2.0, 4.0, 3.0, 0.0]).log()  # probabilities 0.1 0.2 0.4 0.3 0


def as_dict(ids_K, probabilities_K):
    return {int(i): pytest.approx(float(p), abs=1e-6) for i, p in zip(ids_K, probabilities_K, strict=True)}


def test_plain_distribution():
    assert as_dict(*distribution(LOGITS, 1.0)) == {0: 0.1, 1: 0.2, 2: 0.4, 3: 0.3, 4: 0.0}


def test_temperature_sharpens():
    # At temperature 1/2 probabilities are squared: 1, 4, 16, 9 of 30.
    assert as_dict(*distribution(LOGITS, 0.5)) == {0: 1 / 30, 1: 4 / 30, 2: 16 / 30, 3: 9 / 30, 4: 0.0}


def test_top_k_keeps_the_likeliest():
    assert as_dict(*distribution(LOGITS, 1.0, top_k=2)) == {2: 4 / 7, 3: 3 / 7}
    assert as_dict(*distribution(LOGITS, 1.0, top_k=99)) == {0: 0.1, 1: 0.2, 2: 0.4, 3: 0.3, 4: 0.0}


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (0.05, {2: 1.0}),
        (0.39, {2: 1.0}),
        (0.5, {2: 4 / 7, 3: 3 / 7}),
        (0.75, {2: 4 / 9, 3: 3 / 9, 1: 2 / 9}),
        (1.0, {0: 0.1, 1: 0.2, 2: 0.4, 3: 0.3, 4: 0.0}),
    ],
)
def test_nucleus(top_p, kept):
    assert as_dict(*distribution(LOGITS, 1.0, top_p=top_p)) == kept


def test_top_p_looks_at_what_top_k_left():
    # Of 4/7 and 3/7 the first already reaches 0.5.
    assert as_dict(*distribution(LOGITS, 1.0, top_k=2, top_p=0.5)) == {2: 1.0}


def test_a_nucleus_wider_than_the_partial_sort():
    flat = torch.zeros(2000)
    ids, probabilities = distribution(flat, 1.0, top_p=0.75)
    assert len(ids) == pytest.approx(1500, abs=1)
    assert float(probabilities.sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("fields", [{}, {"top_k": 2}, {"top_p": 0.75}, {"temperature": 0.5}])
def test_draws_follow_the_distribution(fields):
    config = GenerationConfig(**({"temperature": 1.0} | fields))
    generator = torch.Generator().manual_seed(11)
    draws = 6000
    counts = torch.bincount(
        torch.tensor([choose(LOGITS, config, generator) for _ in range(draws)]), minlength=len(LOGITS)
    )
    expected = torch.zeros(len(LOGITS))
    ids, probabilities = distribution(LOGITS, config.temperature, config.top_k, config.top_p)
    expected[ids] = probabilities
    for count, probability in zip(counts.tolist(), expected.tolist(), strict=True):
        spread = math.sqrt(draws * probability * (1 - probability))
        assert abs(count - draws * probability) <= 4 * spread + 1e-9


def test_greedy_and_top_1_take_the_argmax():
    for seed in range(20):
        logits = torch.randn(300, generator=torch.Generator().manual_seed(seed))
        best = int(logits.argmax())
        assert choose(logits, GenerationConfig.greedy(), None) == best
        assert choose(logits, GenerationConfig.sampling(0.0), None) == best
        assert choose(logits, GenerationConfig.top_k_sampling(1, 5.0), torch.Generator().manual_seed(seed)) == best
        assert choose(logits, GenerationConfig.nucleus_sampling(1e-9), torch.Generator().manual_seed(seed)) == best


def test_a_seed_fixes_the_draw():
    config = GenerationConfig.sampling(1.0)
    logits = torch.zeros(1000)
    first = [choose(logits, config, torch.Generator().manual_seed(seed)) for seed in range(50)]
    again = [choose(logits, config, torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert first == again
    assert len(set(first)) > 40


def test_half_precision_logits_are_sampled_in_float32():
    _, probabilities = distribution(LOGITS[:4].to(torch.bfloat16), 1.0)
    assert probabilities.dtype == torch.float32


def test_repetition_penalty():
    logits = torch.tensor([2.0, -1.0, 3.0])
    assert penalise(logits, [0, 1, 1], 2.0).tolist() == [1.0, -2.0, 3.0]
    assert penalise(logits, [], 2.0).tolist() == logits.tolist()
    assert logits.tolist() == [2.0, -1.0, 3.0]
    assert choose(logits, GenerationConfig(repetition_penalty=2.0), None, seen=[2]) == 0
