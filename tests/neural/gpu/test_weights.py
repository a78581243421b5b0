"""Weights of one byte: how far they are from what they were, and the kernel that multiplies them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from alen.errors import BadInput
from alen.neural.gpu.weights import ScaledLinear, round_weights
from tests.kernels import model
from tests.triton_comparison import compare

PROGRAM = Path(__file__).with_name("weight_comparison.py")


@pytest.mark.parametrize(("format", "most"), [("int8", 0.01), ("float8", 0.04)])
def test_products_are_near_those_of_the_weights(format: str, most: float) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(256, 96).requires_grad_(False)
    linear.weight[5] = 0.0
    x = torch.randn(3, 7, 256)
    made = ScaledLinear(linear, format)  # type: ignore[arg-type]  # one of the two
    error = (made(x) - linear(x)).square().mean().sqrt() / linear(x).std()
    assert 0 < float(error) < most
    assert torch.equal(made(x)[..., 5], linear.bias[5].expand(3, 7))
    assert made.weight_MN.element_size() == 1


def test_blocks_are_rounded_and_the_head_is_not() -> None:
    of = model(tie_embeddings=False)
    round_weights(of, "int8")
    kinds = {name: type(module) for name, module in of.named_modules() if isinstance(module, nn.Linear | ScaledLinear)}
    assert kinds.pop("head") is nn.Linear
    assert set(kinds.values()) == {ScaledLinear}
    assert len(kinds) == 4 * of.config.num_layers
    of = model(num_layers=6)
    round_weights(of, "float8")
    rounded = {name for name, module in of.named_modules() if isinstance(module, ScaledLinear)}
    parts = ("attention.o", "ffn.gate_up", "ffn.down")
    assert rounded == {f"blocks.{layer}.{part}" for layer in (2, 3) for part in parts}
    with pytest.raises(BadInput, match="bfloat16, int8, float8"):
        round_weights(of, "int4")  # type: ignore[arg-type]  # what is refused


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux")
def test_the_kernel_is_the_product_in_the_interpreter() -> None:
    compare(PROGRAM, 12, "cpu", TRITON_INTERPRET="1")


@pytest.mark.gpu
def test_the_kernel_is_the_product_on_a_gpu() -> None:
    compare(PROGRAM, 12, "cuda")
