"""Texts that a model writes when nobody asks it anything: what it must not move away from when it learns.

Axes: N texts, T tokens.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from alen.generation.config import GenerationConfig

if TYPE_CHECKING:
    from alen.language_model.model import LargeLanguageModel

TEXTS, TOKENS = 96, 64
_STARTS = 20_000
"""Tokens from the beginning of the vocabulary, which are the common ones, that a text may start with."""


def own_texts(model: LargeLanguageModel, file: Path | None) -> Tensor:
    """Token ids (N, T), drawn as the model would; each starts with a token that begins a word. Kept in ``file`` and
    read from it where it is there."""
    if file is not None and file.is_file():
        found = np.load(file, allow_pickle=False)
        if found.shape == (TEXTS, TOKENS) and found.max() < model.config.vocab_size:
            return torch.from_numpy(found.astype(np.int64))
    chance = random.Random(0)
    starts = [token for token in range(min(_STARTS, model.tokenizer.vocab_size)) if _begins_a_word(model, token)]
    starts = starts or list(range(model.tokenizer.vocab_size))
    config = GenerationConfig(max_tokens=TOKENS - 1, temperature=1.0, ignore_eos=True, seed=0)
    prompts = [[chance.choice(starts)] for _ in range(TEXTS)]
    rows = [[*prompt, *written] for prompt, written in zip(prompts, model.continued(prompts, config), strict=True)]
    made = torch.tensor(rows)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial.npy")
        np.save(partial, made.numpy().astype(np.int32))
        partial.replace(file)
    return made


def _begins_a_word(model: LargeLanguageModel, token: int) -> bool:
    text = model.tokenizer.decode([token])
    return len(text) > 2 and text[0] == " " and text[1:].isalpha()
