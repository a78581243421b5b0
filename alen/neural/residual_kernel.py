"""Residual sum and norm as Triton kernels, forward and backward. The sum is rounded to the number format before it is
normalised and everything else is in float32, as in the plain operations.

Axes: N rows, D features, P programs.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

ROWS = 16
"""Rows that one program goes through on the way back; it adds up their part of the weights' gradient."""


def add_norm(x: Tensor, added: Tensor, norm: nn.RMSNorm | nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """x + added (…, D) and its norm; differentiable in all that goes in."""
    bias = norm.bias if isinstance(norm, nn.LayerNorm) else None
    eps = torch.finfo(torch.float32).eps if norm.eps is None else norm.eps
    return _AddNorm.apply(x, added, norm.weight, bias, eps, isinstance(norm, nn.LayerNorm))


class _AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, added: Tensor, weight_D: Tensor, bias_D: Tensor | None, eps: float, centred: bool
    ) -> tuple[Tensor, Tensor]:
        width = x.shape[-1]
        x_ND, added_ND = x.reshape(-1, width).contiguous(), added.reshape(-1, width).contiguous()
        total_ND, normed_ND = torch.empty_like(x_ND), torch.empty_like(x_ND)
        means_N, scales_N = torch.empty(2, len(x_ND), dtype=torch.float32, device=x.device)
        _forward[(len(x_ND),)](
            x_ND,
            added_ND,
            weight_D,
            bias_D if bias_D is not None else weight_D,
            total_ND,
            normed_ND,
            means_N,
            scales_N,
            width,
            eps,
            centred,
            bias_D is not None,
            triton.next_power_of_2(width),
        )
        ctx.save_for_backward(total_ND, weight_D, means_N, scales_N)
        ctx.centred, ctx.biased = centred, bias_D is not None
        ctx.set_materialize_grads(False)
        return total_ND.view_as(x), normed_ND.view_as(x)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Any, ...]:
        total_ND, weight_D, means_N, scales_N = ctx.saved_tensors
        count, width = total_ND.shape
        of_total, of_normed = (None if slope is None else slope.reshape(-1, width).contiguous() for slope in slopes)
        if slopes[1] is None or of_normed is None:
            return slopes[0], slopes[0], None, None, None, None
        slope_ND = torch.empty_like(total_ND)
        programs = triton.cdiv(count, ROWS)
        parts_2PD = torch.empty(2, programs, width, dtype=torch.float32, device=total_ND.device)
        _backward[(programs,)](
            total_ND,
            weight_D,
            means_N,
            scales_N,
            of_normed,
            of_total if of_total is not None else of_normed,
            slope_ND,
            parts_2PD[0],
            parts_2PD[1],
            count,
            width,
            of_total is not None,
            ctx.centred,
            ROWS,
            triton.next_power_of_2(width),
        )
        of_weight_D, of_bias_D = parts_2PD.sum(1).to(weight_D.dtype)
        slope = slope_ND.view_as(slopes[1])
        return slope, slope, of_weight_D, of_bias_D if ctx.biased else None, None, None


@triton.jit
def _forward(  # type: ignore[no-untyped-def]  # pointers and numbers of Triton
    x_ptr,
    added_ptr,
    weight_ptr,
    bias_ptr,
    total_ptr,
    normed_ptr,
    mean_ptr,
    scale_ptr,
    width,
    eps,
    centred: tl.constexpr,
    biased: tl.constexpr,
    block: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, block)
    inside = column < width
    place = row * width + column
    total = tl.load(x_ptr + place, inside, 0.0).to(tl.float32) + tl.load(added_ptr + place, inside, 0.0).to(tl.float32)
    rounded = total.to(total_ptr.dtype.element_ty)
    tl.store(total_ptr + place, rounded, inside)
    total = rounded.to(tl.float32)
    mean = 0.0
    if centred:
        mean = tl.sum(total, 0) / width
        tl.store(mean_ptr + row, mean)
    centre = tl.where(inside, total - mean, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centre * centre, 0) / width + eps)
    tl.store(scale_ptr + row, scale)
    normed = centre * scale * tl.load(weight_ptr + column, inside, 0.0).to(tl.float32)
    if biased:
        normed += tl.load(bias_ptr + column, inside, 0.0).to(tl.float32)
    tl.store(normed_ptr + place, normed.to(normed_ptr.dtype.element_ty), inside)


@triton.jit
def _backward(  # type: ignore[no-untyped-def]  # pointers and numbers of Triton
    total_ptr,
    weight_ptr,
    mean_ptr,
    scale_ptr,
    of_normed_ptr,
    of_total_ptr,
    slope_ptr,
    of_weight_ptr,
    of_bias_ptr,
    count,
    width,
    both: tl.constexpr,
    centred: tl.constexpr,
    rows: tl.constexpr,
    block: tl.constexpr,
):
    program = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, block)
    inside = column < width
    weight = tl.load(weight_ptr + column, inside, 0.0).to(tl.float32)
    of_weight = tl.zeros([block], tl.float32)
    of_bias = tl.zeros([block], tl.float32)
    for step in range(rows):
        row = program * rows + step
        if row < count:
            place = row * width + column
            scale = tl.load(scale_ptr + row)
            total = tl.load(total_ptr + place, inside, 0.0).to(tl.float32)
            if centred:
                total = tl.where(inside, total - tl.load(mean_ptr + row), 0.0)
            unit = total * scale
            slope = tl.load(of_normed_ptr + place, inside, 0.0).to(tl.float32)
            of_weight += slope * unit
            of_bias += slope
            slope = slope * weight
            along = tl.sum(slope * unit, 0) / width
            middle = 0.0
            if centred:
                middle = tl.sum(slope, 0) / width
            found = (slope - unit * along - middle) * scale
            if both:
                found += tl.load(of_total_ptr + place, inside, 0.0).to(tl.float32)
            tl.store(slope_ptr + place, found.to(slope_ptr.dtype.element_ty), inside)
    start = program * width
    tl.store(of_weight_ptr + start + column, of_weight, inside)
    tl.store(of_bias_ptr + start + column, of_bias, inside)
