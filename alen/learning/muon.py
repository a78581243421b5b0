"""Muon for the matrices of hidden layers, AdamW for all else, in one optimizer.

Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks"; the scale that lets both share a
learning rate and a decay is of Liu et al., 2025, "Muon is scalable for LLM training".

Axes: N matrices, R rows, C columns.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from alen.learning.roles import Matrix
from alen.neural.precision import multiplies_bfloat16

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of Newton and Schulz, with the steepest slope at zero that stays bounded (Jordan)."""

_STEPS = 5
_RMS = 0.2
"""Root of the mean square of an update, which is that of AdamW's (Liu)."""

_STACK = 2**24
"""Elements that are made orthogonal together: a stack of all would need as much memory again as the model."""


class Muon(torch.optim.Optimizer):
    """``others`` are groups as AdamW takes them. Matrices of the same shape are made orthogonal in one batch."""

    def __init__(
        self,
        matrices: Iterable[Matrix],
        others: Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
    ) -> None:
        matrices = list(matrices)
        first: dict[str, Any] = {
            "params": [matrix.weight for matrix in matrices],
            "rows": [matrix.rows for matrix in matrices],
            "momentum": momentum,
        }
        defaults = {"lr": lr, "weight_decay": weight_decay, "betas": betas, "eps": eps, "rows": None, "momentum": 0.0}
        super().__init__([first, *others] if matrices else list(others), defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["rows"] is None:
                self._adamw(group)
            else:
                self._muon(group)
        return loss

    def _muon(self, group: dict[str, Any]) -> None:
        same: defaultdict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for weight, rows in zip(group["params"], group["rows"], strict=True):
            if weight.grad is None:
                continue
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight, dtype=torch.float32)
            average = state["momentum"].lerp_(weight.grad.float(), 1 - group["momentum"])
            # Nesterov's: the gradient that is here counts once more.
            update = torch.lerp(weight.grad.float(), average, group["momentum"])
            if group["weight_decay"]:
                weight.mul_(1 - group["lr"] * group["weight_decay"])
            for part, place in zip(update.split(list(rows)), weight.split(list(rows)), strict=True):
                same[part.shape[0], part.shape[1]].append((part, place))
        for (height, width), parts in same.items():
            scale = group["lr"] * _RMS * math.sqrt(max(height, width))
            size = max(1, _STACK // (height * width))
            for start in range(0, len(parts), size):
                stack = parts[start : start + size]
                turned_NRC = orthogonal(torch.stack([part for part, _ in stack]))
                for (_, place), turned in zip(stack, turned_NRC, strict=True):
                    place.add_(turned, alpha=-scale)

    def _adamw(self, group: dict[str, Any]) -> None:
        here: list[Tensor] = [parameter for parameter in group["params"] if parameter.grad is not None]
        gradients = [parameter.grad for parameter in here if parameter.grad is not None]
        for parameter in here:
            if not self.state[parameter]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        if not here:
            return
        states = [self.state[parameter] for parameter in here]
        adamw(
            here,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def orthogonal(stack_NRC: Tensor) -> Tensor:
    """Each matrix with its singular values brought near 1, between 0.7 and 1.2 or so, and its directions kept; in
    bfloat16 where that is quick."""
    a, b, c = _QUINTIC
    tall = stack_NRC.shape[-2] > stack_NRC.shape[-1]
    fast = stack_NRC.is_cuda or multiplies_bfloat16()
    x_NRC = (stack_NRC.mT if tall else stack_NRC).to(torch.bfloat16 if fast else torch.float32)
    x_NRC = x_NRC / torch.linalg.matrix_norm(x_NRC.float(), keepdim=True).clamp(min=1e-7).to(x_NRC.dtype)
    for _ in range(_STEPS):
        gram_NRR = x_NRC @ x_NRC.mT
        x_NRC = torch.baddbmm(x_NRC, torch.baddbmm(gram_NRR, gram_NRR, gram_NRR, beta=b, alpha=c), x_NRC, beta=a)
    return (x_NRC.mT if tall else x_NRC).to(stack_NRC.dtype)
