"""Small texts and tokenizers that the tests of training data share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Fast
from tokenizers import models, normalizers, pre_tokenizers, processors

from alen.text.byte_pairs import train
from alen.text.tokenizer import Tokenizer

LINES = [
    f"Boat {number} left the harbour at {number % 24} with {number * 7} crates of salt.\n" for number in range(400)
]
TEXT = "".join(LINES)


@dataclass(frozen=True)
class Stream:
    tokens: np.ndarray


def streams(*sizes: int) -> list[Stream]:
    """Tokens that are all different, so that each can be counted."""
    starts = np.cumsum([0, *sizes])
    return [Stream(np.arange(start, start + size, dtype=np.uint32)) for start, size in zip(starts, sizes, strict=False)]


def byte_pairs(size: int = 300) -> Tokenizer:
    return train(LINES, size)


def encoder() -> Tokenizer:
    """A vocabulary of words with BERT's special tokens."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(95))]
    fast = Fast(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    fast.normalizer = normalizers.BertNormalizer(lowercase=False)
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast.add_special_tokens(words[:5])
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return Tokenizer(fast, eos_ids=(), bos_id=None, chat_template=None)


def wide() -> Tokenizer:
    """More words than 16 bits can number."""
    words = {"<|endoftext|>": 0, **{f"w{number}": number for number in range(1, 70_000)}}
    fast = Fast(models.WordLevel(words, unk_token="w1"))
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return Tokenizer(fast, eos_ids=(0,), bos_id=None, chat_template=None)


def write_rows(file: Path, rows: Iterable[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file
