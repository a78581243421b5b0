"""LitGPT's own pretraining over a model of our shape: SwiGLU, LayerNorm, rotary positions. It always compiles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from litgpt import pretrain
from litgpt.args import EvalArgs, TrainArgs
from litgpt.config import Config
from litgpt.data import DataModule
from litgpt.model import GPT
from torch.utils.data import DataLoader, TensorDataset

from alen.benchmark.loops.task import Logits, Rows, Task


def run(task: Task, rows: Rows) -> Logits:
    config = Config(
        name="same-shape",
        block_size=task.length,
        n_layer=task.layers,
        n_head=task.heads,
        n_embd=task.width,
        vocab_size=task.vocabulary,
        padded_vocab_size=task.vocabulary,
        intermediate_size=task.hidden,
        mlp_class_name="LLaMAMLP",
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
    )
    tokens = task.steps * task.batch * task.length
    out = Path(task.work)
    # What it saves beside the weights are the arguments of its command line.
    sys.argv = ["litgpt", "pretrain", config.name]
    pretrain.main(
        fabric=pretrain.L.Fabric(
            accelerator="cpu", devices=1, precision="bf16-mixed" if task.precision == "mixed" else "32-true"
        ),
        devices=1,
        seed=task.seed,
        initial_checkpoint_dir=None,
        resume=False,
        config=config,
        data=_Data(rows),
        out_dir=out,
        tokenizer_dir=None,
        tokenizer=None,
        train=TrainArgs(
            save_interval=None,
            log_interval=10,
            global_batch_size=task.batch,
            micro_batch_size=task.batch,
            max_tokens=tokens,
            max_norm=task.clip,
            min_lr=task.rate * task.floor,
            lr_warmup_steps=task.warm_up,
            tie_embeddings=False,
        ),
        eval=EvalArgs(interval=10**9, max_iters=1, initial_validation=False, final_validation=False),
        optimizer={
            "class_path": "torch.optim.AdamW",
            "init_args": {"lr": task.rate, "betas": list(task.betas), "weight_decay": task.weight_decay},
        },
    )
    model = GPT(config)
    model.load_state_dict(torch.load(out / "final" / "lit_model.pth", weights_only=False)["model"])
    return lambda tokens_BT: model.eval()(tokens_BT)


class _Data(DataModule):
    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self.rows = rows

    def connect(self, *_: Any, **__: Any) -> None:
        pass

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.rows, batch_size=self.rows.task.batch, shuffle=False)

    def val_dataloader(self) -> DataLoader[Any]:
        """A sanity check that cannot be left out."""
        width = self.rows.task.length + 1
        return DataLoader(_Bare(torch.zeros(1, width, dtype=torch.long)), batch_size=1)


class _Bare(TensorDataset):
    def __getitem__(self, number: int) -> Any:
        return super().__getitem__(number)[0]
