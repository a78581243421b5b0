"""What learning is measured by: answers from plain transformers, and how surprising other text is.

Axes: N windows, T tokens, B texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen.neural.loss import cross_entropy
from alen.neural.transformer import Transformer

Answering = Callable[[Sequence[str]], list[str]]
TOKENS = 24
_TOGETHER = 25


def answered_by_transformers(folder: Path) -> Answering:
    """Answers of the model in ``folder`` as its users get them there: its chat template, greedy."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    words = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
    words.pad_token = words.eos_token

    def answer(questions: Sequence[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(questions), _TOGETHER):
            chats = [[{"role": "user", "content": question}] for question in questions[start : start + _TOGETHER]]
            asked: Any = words.apply_chat_template(
                chats, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
            )
            written = model.generate(**asked, max_new_tokens=TOKENS, do_sample=False, pad_token_id=words.pad_token_id)
            found += words.batch_decode(written[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
        return found

    return answer


@torch.inference_mode()
def surprises(model: Transformer, windows_NT: Tensor, report: Callable[[int, int], None]) -> list[float]:
    """Mean negative log-likelihood (nats) a token of each window."""
    found = []
    for done, window_T in enumerate(windows_NT, 1):
        hidden_TD = model.hidden(window_T[None])[0, :-1]
        found.append(cross_entropy(hidden_TD, model.output_weight, window_T[1:]).item())
        report(done, len(windows_NT))
    return found
