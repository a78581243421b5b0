"""Shares against closed forms and a grid; what does not help gets none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alen.errors import BadInput
from alen.generation import mixture
from alen.generation.mixture import FLOOR, Mixture


def texts(chance: np.random.Generator, count: int, *odds: tuple[float, float]) -> list[np.ndarray]:
    """Tokens that each source gave a probability between its two odds."""
    return [np.log(np.stack([chance.uniform(low, high, size=6) for low, high in odds], axis=1)) for _ in range(count)]


def test_shares_where_each_source_knows_its_own_tokens() -> None:
    """One gives p to three tokens in ten and next to nothing to the others, the other the reverse: shares are 0.3 and
    0.7 whatever p is."""
    known, never = math.log(0.5), -60.0
    text = np.array([[known, never]] * 3 + [[never, known]] * 7)
    assert mixture.shares([text]) == pytest.approx([0.3, 0.7], abs=1e-6)


def test_shares_are_the_best_of_a_grid() -> None:
    found = texts(np.random.default_rng(0), 20, (0.01, 0.6), (0.05, 0.5), (0.0, 0.9))
    best = mixture.shares(found)
    assert best.sum() == pytest.approx(1)
    grid = [
        np.array([a, b, 1 - a - b]) for a in np.linspace(0.01, 1, 40) for b in np.linspace(0, 1 - a, 40) if a + b <= 1
    ]
    most = max(sum(mixture.likelihood(text, share) for text in found) for share in grid)
    assert sum(mixture.likelihood(text, best) for text in found) >= most - 1e-6


def test_the_language_model_keeps_a_little() -> None:
    found = texts(np.random.default_rng(0), 10, (0.001, 0.01), (0.8, 0.9))
    assert mixture.shares(found) == pytest.approx([FLOOR, 1 - FLOOR])


def test_what_does_not_help_gets_nothing() -> None:
    """The third source says what the first does, the fourth less; only the second is better."""
    found = texts(np.random.default_rng(1), 40, (0.1, 0.2), (0.3, 0.9), (0.1, 0.2), (0.0, 0.05))
    fitted = mixture.fit(("useful", "twin", "worse"), found, [0.1] * 40)
    assert fitted.shares[1] > 0.9
    assert fitted.shares[2:] == (0.0, 0.0)


def test_luck_is_no_help() -> None:
    """Two sources alike on average: in sample some share of the second is always a little better."""
    for seed in range(5):
        chance = np.random.default_rng(seed)
        found = [np.log(chance.uniform(0.3, 0.4, size=(5, 2))) for _ in range(20)]
        assert mixture.fit(("other",), found, [0.0] * 20).shares == (1.0, 0.0)


def test_beyond_what_is_known_the_language_model_is_alone() -> None:
    chance = np.random.default_rng(0)
    near, far = texts(chance, 30, (0.05, 0.1), (0.5, 0.9)), texts(chance, 30, (0.3, 0.5), (1e-6, 1e-5))
    distances = [*chance.uniform(0.0, 0.3, size=30), *chance.uniform(0.5, 1.0, size=30)]
    fitted = mixture.fit(("latent",), near + far, distances)
    assert 0.25 <= fitted.farthest < 0.5
    assert fitted.at(0.2)[1] > 0.9
    assert fitted.at(0.6) == (1.0, 0.0)
    assert Mixture.from_json(fitted.to_json()) == fitted


def test_a_few_that_gain_much_do_not_open_the_gate_to_many_that_lose() -> None:
    """Far away two texts of thirty gain so much that all together would be likelier."""
    chance = np.random.default_rng(0)
    near, gaining = texts(chance, 30, (0.05, 0.1), (0.5, 0.9)), texts(chance, 2, (1e-9, 1e-8), (0.8, 0.9))
    losing = texts(chance, 28, (0.3, 0.5), (0.01, 0.1))
    distances = [*chance.uniform(0.0, 0.3, size=30), *chance.uniform(0.5, 1.0, size=30)]
    fitted = mixture.fit(("memory",), near + gaining + losing, distances)
    assert fitted.farthest < 0.6
    assert fitted.at(0.2)[1] > 0.9


def test_what_gains_next_to_nothing_far_away_does_not_open_the_gate() -> None:
    chance = np.random.default_rng(0)
    near, far = texts(chance, 30, (0.05, 0.1), (0.5, 0.9)), texts(chance, 30, (0.30, 0.31), (0.303, 0.313))
    distances = [*chance.uniform(0.0, 0.3, size=30), *chance.uniform(0.5, 1.0, size=30)]
    fitted = mixture.fit(("memory",), near + far, distances)
    assert 0.25 <= fitted.farthest < 0.5


def test_a_source_that_never_helps_leaves_all_as_it_was() -> None:
    fitted = mixture.fit(("latent",), texts(np.random.default_rng(0), 20, (0.3, 0.5), (0.0, 0.1)), [0.1] * 20)
    assert fitted.shares == (1.0, 0.0)


def test_what_a_source_rules_out_is_left_to_the_others() -> None:
    text = np.array([[-1.0, -math.inf], [-1.0, -0.1]])
    assert mixture.likelihood(text, np.array([0.5, 0.5])) == pytest.approx(
        math.log(0.5 * math.exp(-1)) + math.log(0.5 * math.exp(-1) + 0.5 * math.exp(-0.1))
    )
    assert np.isfinite(mixture.shares([text])).all()


@pytest.mark.parametrize(
    "found",
    [
        [],
        [np.zeros((2, 2))] * 7,
        [np.zeros((2, 3))] * 8,
        [np.zeros((0, 2))] * 8,
        [np.full((2, 2), -math.inf)] * 8,
    ],
)
def test_what_cannot_be_fitted_is_refused(found: list[np.ndarray]) -> None:
    with pytest.raises(BadInput, match="texts"):
        mixture.fit(("latent",), found, [0.0] * len(found))
