"""Products with weights of one byte, which become numbers in registers: memory gives one byte a weight, not two.

Axes: R rows, N inputs, M outputs.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_OUTPUTS, _INPUTS = 32, 128


def multiply(x_RN: Tensor, weight_MN: Tensor, scale_M: Tensor) -> Tensor:
    """(R, M) in the format of ``x_RN``; sums are float32."""
    rows, inputs = x_RN.shape
    outputs = len(weight_MN)
    out_RM = torch.empty(rows, outputs, dtype=x_RN.dtype, device=x_RN.device)
    at_once = max(16, triton.next_power_of_2(min(rows, 64)))  # the least that matrix units take
    grid = (triton.cdiv(outputs, _OUTPUTS), triton.cdiv(rows, at_once))
    _multiply[grid](
        x_RN.contiguous(), weight_MN, scale_M, out_RM, rows, outputs, inputs, at_once, _OUTPUTS, _INPUTS, num_stages=4
    )
    return out_RM


@triton.jit
def _multiply(
    x: Any,
    weight: Any,
    scale: Any,
    out: Any,
    rows: Any,
    outputs: Any,
    inputs: Any,
    ROWS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    INPUTS: tl.constexpr,
) -> None:
    output = tl.program_id(0) * OUTPUTS + tl.arange(0, OUTPUTS)
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    of_rows, of_outputs = row < rows, output < outputs
    total = tl.zeros((ROWS, OUTPUTS), dtype=tl.float32)
    for first in range(0, inputs, INPUTS):
        at = first + tl.arange(0, INPUTS)
        there = at < inputs
        numbers = tl.load(
            x + row[:, None].to(tl.int64) * inputs + at[None, :], mask=of_rows[:, None] & there[None, :], other=0.0
        )
        bytes = tl.load(
            weight + output[None, :].to(tl.int64) * inputs + at[:, None],
            mask=of_outputs[None, :] & there[:, None],
            other=0.0,
        )
        total += tl.dot(numbers, bytes.to(tl.float32).to(numbers.dtype))
    scaled = total * tl.load(scale + output, mask=of_outputs, other=0.0)[None, :]
    tl.store(
        out + row[:, None].to(tl.int64) * outputs + output[None, :],
        scaled.to(out.dtype.element_ty),
        mask=of_rows[:, None] & of_outputs[None, :],
    )
