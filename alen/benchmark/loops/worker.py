"""One loop in a process of its own: ``python -m alen.benchmark.loops.worker LOOP TASK``.

It says a line of JSON at each gate and goes on when it reads a line, then ``loss`` of the text held out when there is
one. What libraries print goes to stderr."""

from __future__ import annotations

import importlib
import os
import sys

import torch

from alen.benchmark.loops.task import Rows, Task, held_out_loss, say


def main() -> None:
    loop, task = sys.argv[1], Task.read(sys.argv[2])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if task.threads:
        torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    logits = importlib.import_module(f"alen.benchmark.loops.{loop}").run(task, Rows(task, out))
    say(out, loss=held_out_loss(logits, task) if task.held_out else None)


if __name__ == "__main__":
    main()
