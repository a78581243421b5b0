"""Vectors that are shaken, layouts of texts, and a loss that falls."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from alen.errors import BadInput, WorkError
from alen.learning.latent_training import LatentRecipe, _laid_out, shaken, train
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.config import TransformerConfig
from alen.neural.loss import IGNORED

END, HIDDEN = 0, 1
TEXTS = [[2, 3, 4], [5], [2, 6], [7, 8, 9, 3]]


def model(width: int = 16, room: int = 12) -> ConditionedTransformer:
    torch.manual_seed(0)
    attention = {"variant": "mha", "num_heads": 2}
    shape = {"vocab_size": 10, "d_model": width, "num_layers": 1, "max_seq_len": room, "attention": attention}
    return ConditionedTransformer(TransformerConfig.parse(shape), 8, 2)


def thoughts(count: int = 4) -> torch.Tensor:
    return F.normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(1)), dim=-1)


def test_texts_are_laid_out_with_one_end_each() -> None:
    inputs, targets = _laid_out([[4, 5], [6]], END)
    assert inputs.tolist() == [[4, 5], [6, END]]
    assert targets.tolist() == [[4, 5, END], [6, END, IGNORED]]


def test_noise_is_as_large_as_asked_for_and_vectors_stay_of_length_1() -> None:
    chance, wide = torch.Generator().manual_seed(0), F.normalize(torch.randn(4000, 384), dim=-1)
    none = LatentRecipe(noise=0.0, drift=0.0)
    assert torch.allclose(shaken(wide, wide, none, chance), wide, atol=1e-6)
    moved = shaken(wide, wide, LatentRecipe(noise=0.6, drift=0.0), chance)
    assert torch.allclose(moved.norm(dim=-1), torch.ones(4000), atol=1e-5)
    # A step of length s at right angles leaves a cosine of 1 / sqrt(1 + s²), its mean over 0..0.6 being asinh(0.6)/0.6.
    assert float((moved * wide).sum(-1).mean()) == pytest.approx(math.asinh(0.6) / 0.6, abs=0.005)
    drifted = shaken(wide, wide, LatentRecipe(noise=0.0, drift=0.4), chance)
    assert 0.85 < float((drifted * wide).sum(-1).mean()) < 0.99


def test_what_was_taught_is_said_and_the_loss_falls() -> None:
    made, recipe = model(), LatentRecipe(steps=150, lr=1e-2, noise=0.1, drift=0.0, label_smoothing=0.0)
    heard: list[tuple[str, int, int]] = []
    found = train(
        made, thoughts(), TEXTS, recipe, end=END, hidden_token=HIDDEN, report=lambda *told: heard.append(told)
    )
    assert found.steps == 150
    assert found.loss < 0.1
    assert heard[-1] == ("training", 150, 150)
    logits = made(thoughts()[:1], torch.tensor([[2, 3, 4]]))
    assert logits.argmax(-1).tolist() == [[2, 3, 4, END]]


def test_the_same_seed_gives_the_same_weights() -> None:
    states = []
    for seed in (3, 3, 4):
        made = model()
        train(made, thoughts(), TEXTS, LatentRecipe(steps=5, seed=seed), end=END, hidden_token=HIDDEN)
        states.append(torch.cat([parameter.flatten() for parameter in made.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_minutes_end_it() -> None:
    recipe = LatentRecipe(steps=100_000)
    found = train(model(), thoughts(), TEXTS, recipe, end=END, hidden_token=HIDDEN, minutes=1 / 600)
    assert 20 <= found.steps < 1000


@pytest.mark.parametrize("texts", [[], TEXTS[:3], [*TEXTS[:3], [2] * 11]])
def test_what_does_not_fit_is_refused_before_the_first_step(texts: list[list[int]]) -> None:
    with pytest.raises(BadInput, match="texts"):
        train(model(), thoughts(), texts, LatentRecipe(), end=END, hidden_token=HIDDEN)


def test_a_loss_that_is_no_number_stops_it() -> None:
    with pytest.raises(WorkError, match="no number"):
        train(model(), thoughts() * math.nan, TEXTS, LatentRecipe(steps=3), end=END, hidden_token=HIDDEN)
