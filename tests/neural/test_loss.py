"""The loss in pieces is the loss at once, and so are its gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from alen.neural.loss import IGNORED, cross_entropy


@pytest.mark.parametrize("piece", [1, 7, 100])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("biased", [False, True])
def test_loss_and_gradients(piece: int, smoothing: float, biased: bool) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(31, 16, requires_grad=True)
    weight = torch.randn(53, 16, requires_grad=True)
    bias = torch.randn(53, requires_grad=True) if biased else None
    targets = torch.randint(0, 53, (31,))
    targets[[0, 5, 30]] = IGNORED
    parts = [part for part in (hidden, weight, bias) if part is not None]
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets, label_smoothing=smoothing)
    expected_gradients = torch.autograd.grad(3 * expected, parts)
    found = cross_entropy(hidden, weight, targets, bias_V=bias, label_smoothing=smoothing, piece=piece)
    assert_close(found, expected)
    assert_close(torch.autograd.grad(3 * found, parts), expected_gradients)


def test_only_what_is_asked_for_is_differentiated() -> None:
    hidden, weight = torch.randn(9, 4, requires_grad=True), torch.randn(11, 4)
    cross_entropy(hidden, weight, torch.randint(0, 11, (9,)), piece=4).backward()
    assert hidden.grad is not None
    assert weight.grad is None
    with torch.no_grad():
        assert cross_entropy(hidden, weight, torch.randint(0, 11, (9,))).ndim == 0


def test_bfloat16_is_close_to_float32() -> None:
    torch.manual_seed(0)
    hidden, weight, targets = torch.randn(64, 32), torch.randn(200, 32) / 6, torch.randint(0, 200, (64,))
    exact = cross_entropy(hidden, weight, targets)
    rough = cross_entropy(hidden.bfloat16(), weight.bfloat16(), targets, piece=16)
    assert rough.dtype == torch.float32
    assert_close(rough, exact, atol=0.03, rtol=0)


def test_nothing_to_learn_is_not_a_number_as_in_torch() -> None:
    targets = torch.full((4,), IGNORED)
    assert cross_entropy(torch.randn(4, 3), torch.randn(5, 3), targets).isnan()


def test_the_unlikeliest_word_still_has_its_loss() -> None:
    hidden, weight = torch.ones(3, 2), torch.tensor([[400.0, 0.0], [0.0, 0.0], [90.0, 0.0]])
    targets = torch.tensor([1, 2, 0])
    assert_close(cross_entropy(hidden, weight, targets), F.cross_entropy(hidden @ weight.T, targets))


def test_autocast_computes_in_the_narrow_format_and_returns_gradients_in_the_wide_one() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(64, 32, requires_grad=True), (torch.randn(200, 32) / 6).requires_grad_()
    bias, targets = torch.randn(200, requires_grad=True), torch.randint(0, 200, (64,))
    with torch.autocast("cpu", torch.bfloat16):
        found = cross_entropy(hidden, weight, targets, bias_V=bias)
    gradients = torch.autograd.grad(found, [hidden, weight, bias])
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    assert_close(found, expected, atol=0.03, rtol=0)
    for gradient, exact in zip(gradients, torch.autograd.grad(expected, [hidden, weight, bias]), strict=True):
        assert gradient.dtype == torch.float32
        assert_close(gradient, exact, atol=2e-3, rtol=0.05)
