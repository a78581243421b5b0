"""The Trainer of transformers over a StableLM of our shape: SwiGLU, LayerNorm, rotary positions over whole heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler

from alen.benchmark.loops.alen_loop import shape
from alen.benchmark.loops.task import Logits, Rows, Task
from alen.benchmark.step_models import stable_lm


def run(task: Task, rows: Rows) -> Logits:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = stable_lm(shape(task))
    arguments = transformers.TrainingArguments(
        output_dir=task.work,
        max_steps=task.steps,
        per_device_train_batch_size=task.batch,
        learning_rate=task.rate,
        weight_decay=task.weight_decay,
        adam_beta1=task.betas[0],
        adam_beta2=task.betas[1],
        max_grad_norm=task.clip,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": task.floor},
        warmup_steps=task.warm_up,
        optim="adamw_torch_fused",
        bf16=task.precision == "mixed",
        torch_compile=task.compile,
        use_cpu=True,
        logging_steps=10,
        save_strategy="no",
        report_to="none",
        remove_unused_columns=False,
        disable_tqdm=True,
        seed=task.seed,
    )
    trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows, data_collator=_batch)
    trainer._get_train_sampler = lambda *_: SequentialSampler(rows)  # type: ignore[method-assign]  # rows are drawn already
    trainer.train()
    model.eval()
    return lambda tokens_BT: model(input_ids=tokens_BT, use_cache=False).logits


def _batch(rows: list[Tensor]) -> dict[str, Tensor]:
    rows_BT = torch.stack(rows)
    targets_BT = rows_BT[:, 1:].contiguous()
    return {"input_ids": rows_BT[:, :-1].contiguous(), "labels": targets_BT, "shift_labels": targets_BT}
