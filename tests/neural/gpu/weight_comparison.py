"""Compares the Triton kernel of weights of one byte with the plain product: ``weight_comparison.py DEVICE``."""

from __future__ import annotations

import itertools
import sys

import torch
from torch.nn import functional as F
from torch.testing import assert_close

from alen.neural.gpu.weight_kernel import multiply


def main(device: str) -> None:
    count = 0
    shapes = [(96, 256), (70, 200)]
    for kind, rows, (outputs, inputs) in itertools.product((torch.int8, torch.float8_e4m3fn), (1, 5, 64), shapes):
        torch.manual_seed(rows)
        # The interpreter multiplies the bits of bfloat16.
        x = torch.randn(rows, inputs, device=device).to(torch.bfloat16 if device == "cuda" else torch.float16)
        weight = torch.randint(-127, 128, (outputs, inputs), device=device).to(kind)
        scale = torch.rand(outputs, device=device) / 100
        expected = F.linear(x.float(), weight.float()) * scale
        assert_close(multiply(x, weight, scale).float(), expected, atol=0.05, rtol=0.02)
        count += 1
    print(f"{count} comparisons")


if __name__ == "__main__":
    main(sys.argv[1])
