"""The steps that are measured, and the operations they take. Axes: B batch, T time, D model, V words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from alen.learning.optimizer import OptimizerConfig, make_optimizer
from alen.neural.config import TransformerConfig
from alen.neural.describe import flops_per_token
from alen.neural.loss import IGNORED, cross_entropy
from alen.neural.transformer import Transformer

Step = Literal["forward", "train"]
STEPS: tuple[Step, ...] = ("forward", "train")

TOLD_EVERY = 7
"""An encoder learns one word in so many, about the 15 % of BERT; a decoder learns each next one."""


def make_step(model: Transformer, step: Step, batch: int, length: int, *, compiled: bool) -> Callable[[], None]:
    """A step on tokens (B, T) that are drawn once."""
    device = model.embedding.weight.device
    generator = torch.Generator().manual_seed(2)
    drawn_BT = torch.randint(0, model.config.vocab_size, (batch, length + 1), generator=generator).to(device)
    tokens_BT = drawn_BT[:, :-1].contiguous()
    compiling: Callable[..., Any] = torch.compile if compiled else lambda function: function
    if step == "forward":
        return _forward(model, compiling(model if model.config.language_head else model.hidden), tokens_BT)
    targets_BT = drawn_BT[:, 1:]
    if _reads_both_ways(model.config):
        told_T = torch.arange(length, device=device) % TOLD_EVERY == 0
        targets_BT = tokens_BT.where(told_T, IGNORED)
    return _train(model, compiling(model.hidden), tokens_BT, targets_BT)


def work(config: TransformerConfig, step: Step, batch: int, length: int) -> int:
    """Floating point operations of a step: of what each token sees, on average; backward takes two for each forward.
    What is computed again under gradient checkpointing is not counted, nor the optimizer."""
    both_ways = _reads_both_ways(config)
    a_token = flops_per_token(config, length if both_ways else (length + 1) // 2)
    if step == "forward":
        return batch * length * a_token
    head = 2 * config.d_model * config.vocab_size
    learnt = -(-length // TOLD_EVERY) if both_ways else length
    return 3 * batch * (length * (a_token - head * config.language_head) + learnt * head)


def _forward(model: Transformer, compute: Callable[[Tensor], Tensor], tokens_BT: Tensor) -> Callable[[], None]:
    def forward() -> None:
        model.eval()
        with torch.no_grad():
            compute(tokens_BT)

    return forward


def _train(
    model: Transformer, hidden: Callable[[Tensor], Tensor], tokens_BT: Tensor, targets_BT: Tensor
) -> Callable[[], None]:
    optimizer = make_optimizer(model, OptimizerConfig())
    targets_N = targets_BT.flatten()

    def train() -> None:
        model.train()
        cross_entropy(hidden(tokens_BT).flatten(0, 1), model.output_weight, targets_N).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return train


def _reads_both_ways(config: TransformerConfig) -> bool:
    return config.attention.mask_type == "bidirectional"
