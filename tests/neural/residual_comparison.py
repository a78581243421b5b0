"""Compares the Triton kernels of residual sum and norm with the plain operations: ``residual_comparison.py DEVICE``."""

from __future__ import annotations

import itertools
import sys

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from alen.neural.residual_kernel import add_norm


def compared(kind: str, dtype: torch.dtype, width: int, used: str, device: str) -> None:
    torch.manual_seed(width)
    norm: nn.RMSNorm | nn.LayerNorm = nn.RMSNorm(width, eps=1e-5)
    if kind != "rms":
        norm = nn.LayerNorm(width, eps=1e-5, bias=kind == "layer")
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    norm.to(device, dtype)
    inputs = [torch.randn(3, 7, width, device=device).to(dtype).requires_grad_() for _ in range(2)]
    slopes = [torch.randn(3, 7, width, device=device).to(dtype) for _ in range(2)]

    def gradients(total: Tensor, normed: Tensor) -> tuple[Tensor, ...]:
        outputs = {"both": [total, normed], "normed": [normed], "total": [total]}[used]
        return torch.autograd.grad(
            outputs, [*inputs, *norm.parameters()], slopes[: len(outputs)], allow_unused=True, materialize_grads=True
        )

    total = inputs[0] + inputs[1]
    expected = (total, norm(total))
    found = add_norm(*inputs, norm)
    loose = {"atol": 0.15, "rtol": 0.05} if dtype == torch.bfloat16 else {"atol": 1e-5, "rtol": 1e-4}
    for one, other in zip((*found, *gradients(*found)), (*expected, *gradients(*expected)), strict=True):
        assert_close(one, other, **loose)


def main(device: str) -> None:
    cases = list(
        itertools.product(["rms", "layer", "unbiased"], [torch.float32, torch.bfloat16], [40, 64], ["both", "normed"])
    )
    for kind, dtype, width, used in cases:
        compared(kind, dtype, width, used, device)
    compared("rms", torch.float32, 40, "total", device)
    print(f"{len(cases)} comparisons")


if __name__ == "__main__":
    main(sys.argv[1])
