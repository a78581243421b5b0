"""Positions against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from alen.neural.config import PositionalConfig
from alen.neural.positions import alibi_slopes, frequencies, rotate, rotation_table, sinusoids

ROPE = PositionalConfig()


def test_rotary_scores_depend_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(1, 1, 1, 16), torch.randn(1, 1, 1, 16)
    cos, sin = rotation_table(200, 16, ROPE)

    def score(at: int, other: int) -> float:
        turned = rotate(query, cos[None, at : at + 1], sin[None, at : at + 1])
        return float((turned * rotate(key, cos[None, other : other + 1], sin[None, other : other + 1])).sum())

    assert score(7, 3) == pytest.approx(score(154, 150), abs=1e-4)
    assert score(7, 3) != pytest.approx(score(7, 0), abs=1e-2)


def test_turning_is_the_product_with_a_phase() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 5, 3, 16)
    cos, sin = rotation_table(5, 16, ROPE)
    angle = torch.arange(5)[:, None] * frequencies(16, ROPE)
    complex_x = torch.complex(x[..., :8], x[..., 8:]).to(torch.complex128)
    turned = complex_x * torch.exp(1j * angle)[None, :, None]
    assert_close(rotate(x, cos[None], sin[None]), torch.cat([turned.real, turned.imag], -1).float())


def test_linear_scaling_reads_a_text_as_a_shorter_one() -> None:
    scaled = rotation_table(64, 16, PositionalConfig(rope_scaling=4.0))
    plain = rotation_table(64, 16, ROPE)
    for long, short in zip(scaled, plain, strict=True):
        assert_close(long[::4], short[:16])


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        (1, [2**-8]),
        (8, [2.0**-n for n in range(1, 9)]),
        (12, [*(2.0**-n for n in range(1, 9)), *(2.0 ** -(n / 2) for n in (1, 3, 5, 7))]),
    ],
)
def test_alibi_slopes_are_those_of_the_paper(heads: int, expected: list[float]) -> None:
    assert alibi_slopes(heads).tolist() == pytest.approx(expected)


def test_sinusoids_are_those_of_the_paper() -> None:
    found = sinusoids(50, 12)
    for position in (0, 1, 17, 49):
        for pair in range(6):
            angle = position / 10000 ** (2 * pair / 12)
            assert found[position, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[position, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
