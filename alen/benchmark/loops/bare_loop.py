"""The same model, loss, optimizer and schedule as ours in a bare loop: what Lightning costs is the difference."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from alen.benchmark.loops.alen_loop import batch_of, optimizer, shape
from alen.benchmark.loops.task import Logits, Rows, Task
from alen.learning.optimizer import make_optimizer, set_rate
from alen.neural.host_memory import keep_freed
from alen.neural.transformer import Transformer
from alen.training.gradient_norm import clip_by_norm
from alen.training.objective import Objective


def run(task: Task, rows: Rows) -> Logits:
    keep_freed()
    model = Transformer(shape(task))
    objective = Objective(model)
    updates = make_optimizer(objective, optimizer(task))
    if task.compile:
        for block in model.blocks:
            block.compile()
    mixed = torch.autocast("cpu", torch.bfloat16) if task.precision == "mixed" else nullcontext()
    for step in range(task.steps):
        set_rate(updates, task.factor(step))
        batch = batch_of(rows, step)
        with mixed:
            loss = objective(batch)
        updates.zero_grad(set_to_none=True)
        loss.backward()
        clip_by_norm(objective.parameters(), task.clip)
        updates.step()
    return lambda tokens_BT: model(tokens_BT)
