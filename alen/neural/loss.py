"""Cross-entropy over a large vocabulary in pieces: logits of a part of the tokens at a time, and the gradient at once.

Axes: N tokens, D model, V words, C tokens of a piece, R tokens of a strip.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

IGNORED = -100
"""A target that counts for nothing, as in torch."""

PIECE_ELEMENTS = 2**26
"""Logits of a piece, in the number format of the weights. Pieces are multiplied whole: each adds once to the gradient
of the weights, which is as large as they are."""

LEAST = 1e-30
"""A smaller probability has lost digits in float32."""

STRIP_ELEMENTS = 2**18
"""Logits of a strip, in float32: as many as stay in the cache from their exponents to their gradient."""


def cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    *,
    bias_V: Tensor | None = None,
    label_smoothing: float = 0.0,
    piece: int | None = None,
) -> Tensor:
    """The mean over targets that are not ``IGNORED`` of -log softmax(hidden · weight^T + bias), a float32 scalar; NaN
    when all are ignored, as in torch. Gradients are computed with the loss, so that logits are made once and never
    all of them. ``piece`` is in tokens."""
    found = _not_compiled if torch.compiler.is_compiling() else _in_pieces
    return found(hidden_ND, weight_VD, targets_N, bias_V, label_smoothing, piece)


def _in_pieces(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    bias_V: Tensor | None,
    label_smoothing: float,
    piece: int | None,
) -> Tensor:
    counted = targets_N != IGNORED
    if not bool(counted.all()):
        # What counts for nothing is not multiplied: of masked language modelling that is most of a text.
        hidden_ND, targets_N = hidden_ND[counted], targets_N[counted]
    if torch.is_autocast_enabled(hidden_ND.device.type):
        dtype = torch.get_autocast_dtype(hidden_ND.device.type)
        hidden_ND, weight_VD = hidden_ND.to(dtype), weight_VD.to(dtype)
        bias_V = None if bias_V is None else bias_V.to(dtype)
    size = piece or max(1, PIECE_ELEMENTS // len(weight_VD))
    return _InPieces.apply(hidden_ND, weight_VD, bias_V, targets_N, label_smoothing, size)


# torch.compiler.disable would load the compiler, which takes seconds, for whoever reads a loss.
_not_compiled = torch._disable_dynamo(_in_pieces)


class _InPieces(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        label_smoothing: float,
        piece: int,
    ) -> Tensor:
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        count = len(targets_N)
        total = hidden_ND.new_zeros((), dtype=torch.float32)
        grad_ND = torch.empty_like(hidden_ND) if needs_hidden else None
        grad_VD: Tensor | None = None
        grad_V = torch.zeros_like(bias_V, dtype=torch.float32) if bias_V is not None and needs_bias else None
        rows = min(piece, count)
        buffer_CV = weight_VD.new_empty(rows, len(weight_VD))
        for start in range(0, count, piece):
            part = slice(start, start + piece)
            hidden_CD, targets_C = hidden_ND[part], targets_N[part]
            logits_CV = buffer_CV[: len(hidden_CD)]
            if bias_V is None:
                torch.mm(hidden_CD, weight_VD.T, out=logits_CV)
            else:
                torch.addmm(bias_V, hidden_CD, weight_VD.T, out=logits_CV)
            total += _loss_and_slope(logits_CV, targets_C, label_smoothing, count)
            # The logits are their own gradient now.
            if grad_ND is not None:
                torch.mm(logits_CV, weight_VD, out=grad_ND[part])
            if needs_weight:
                grad_VD = _added(grad_VD, logits_CV, hidden_CD, last=start + piece >= count)
            if grad_V is not None:
                grad_V += logits_CV.sum(0, dtype=torch.float32)
        ctx.gradients = (grad_ND, grad_VD, grad_V)
        ctx.dtypes = (weight_VD.dtype, None if bias_V is None else bias_V.dtype)
        return total / count

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Any, ...]:
        grad_ND, grad_VD, grad_V = ctx.gradients
        ctx.gradients = ()
        scale = upstream[0]
        unit = bool(scale == 1)

        def scaled(gradient: Tensor | None, dtype: torch.dtype | None) -> Tensor | None:
            if gradient is None:
                return None
            return (gradient if unit else gradient * scale.to(gradient.dtype)).to(dtype)

        weight, bias = ctx.dtypes
        return (
            scaled(grad_ND, grad_ND.dtype if grad_ND is not None else None),
            scaled(grad_VD, weight),
            scaled(grad_V, bias),
            None,
            None,
            None,
        )


def _loss_and_slope(logits_CV: Tensor, targets_C: Tensor, label_smoothing: float, count: int) -> Tensor:
    """The sum of the losses; ``logits_CV`` becomes what the mean loss changes by with each of them."""
    total = logits_CV.new_zeros((), dtype=torch.float32)
    words = logits_CV.shape[1]
    rows = max(1, STRIP_ELEMENTS // words)
    for start in range(0, len(logits_CV), rows):
        strip_RV, targets_R1 = logits_CV[start : start + rows], targets_C[start : start + rows, None]
        p_RV = torch.softmax(strip_RV, 1, dtype=torch.float32)
        likely_R1 = p_RV.gather(1, targets_R1)
        if label_smoothing or bool((likely_R1 < LEAST).any()):
            total += _exact(strip_RV, p_RV, targets_R1, label_smoothing)
        else:
            total -= likely_R1.log().sum()
        if label_smoothing:
            p_RV -= label_smoothing / words
        p_RV.scatter_add_(1, targets_R1, p_RV.new_full(targets_R1.shape, label_smoothing - 1))
        torch.mul(p_RV, 1 / count, out=strip_RV)
    return total


def _exact(strip_RV: Tensor, p_RV: Tensor, targets_R1: Tensor, label_smoothing: float) -> Tensor:
    """The sum of the losses also where a probability is too small for its logarithm; the largest never is."""
    normaliser_R1 = strip_RV.amax(1, keepdim=True).float() - p_RV.amax(1, keepdim=True).log()
    wanted_R1 = (1 - label_smoothing) * strip_RV.gather(1, targets_R1).float()
    if label_smoothing:
        wanted_R1 += label_smoothing * strip_RV.mean(1, keepdim=True, dtype=torch.float32)
    return (normaliser_R1 - wanted_R1).sum()


def _added(sum_VD: Tensor | None, slope_CV: Tensor, hidden_CD: Tensor, *, last: bool) -> Tensor:
    """``sum_VD`` and this piece's gradient of the weights; summed in float32 where there is more than one piece."""
    if sum_VD is None:
        found = slope_CV.T @ hidden_CD
        return found if last else found.float()
    return sum_VD.add_(slope_CV.T @ hidden_CD)
