"""The Triton kernels of residual sum and norm are the plain operations, forward and backward.

Triton's interpreter runs them where there is no GPU; it is chosen when triton is first imported, so that the comparison
is a program of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from alen.neural import residual
from tests.triton_comparison import compare

PROGRAM = Path(__file__).with_name("residual_comparison.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux")
def test_kernels_are_the_plain_operations_in_the_interpreter() -> None:
    compare(PROGRAM, 24, "cpu", TRITON_INTERPRET="1")


@pytest.mark.gpu
def test_kernels_are_the_plain_operations_on_a_gpu() -> None:
    compare(PROGRAM, 24, "cuda")


def test_the_plain_operations_serve_where_there_is_no_kernel() -> None:
    x, added, norm = torch.randn(2, 3, 8), torch.randn(2, 3, 8), nn.RMSNorm(8)
    assert not residual.applies(x, added, norm)
    total, normed = residual.add_norm(x, added, norm)
    assert_close(total, x + added)
    assert_close(normed, norm(x + added))
