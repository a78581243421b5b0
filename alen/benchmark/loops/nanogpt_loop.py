"""A loop as short as a teacher would write it, over GPT-2's layers (after Karpathy's nanoGPT)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from alen.benchmark.loops.plain_model import PlainModel
from alen.benchmark.loops.task import Logits, Rows, Task


def run(task: Task, rows: Rows) -> Logits:
    model = PlainModel(task.vocabulary, task.width, task.layers, task.heads, task.length)
    optimizer = model.optimizer(task.rate, task.betas, task.weight_decay)
    forward = torch.compile(model) if task.compile else model
    mixed = torch.autocast("cpu", torch.bfloat16) if task.precision == "mixed" else nullcontext()
    for step in range(task.steps):
        for group in optimizer.param_groups:
            group["lr"] = task.rate * task.factor(step)
        rows_BT: Tensor = rows.step(step)
        with mixed:
            loss = forward(rows_BT[:, :-1], rows_BT[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), task.clip)
        optimizer.step()
    return model.logits
