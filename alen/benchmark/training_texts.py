"""A text as token files for loops that are compared: what is trained on, what chooses a rate, what measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alen.text import byte_pairs

BLOCK = 20_000
"""Characters: of ten such blocks the ninth chooses and the tenth measures."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Token files, and how many bytes a token has of the text that measures."""

    train: Path
    choose: Path
    measure: Path
    bytes_per_token: float


def write(text: str, folder: Path, vocabulary: int) -> Texts:
    """Byte pairs are learnt from the part that is trained on. Raises BadInput for a text that is too short."""
    blocks = [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
    parts = {
        "train": "".join(block for number, block in enumerate(blocks) if number % 10 < 8),
        "choose": "".join(blocks[8::10]),
        "measure": "".join(blocks[9::10]),
    }
    tokenizer = byte_pairs.train([parts["train"]], vocabulary)
    counts = {}
    for name, part in parts.items():
        tokens = np.asarray(tokenizer.encode(part), dtype=np.uint16)
        np.save(folder / f"{name}.npy", tokens)
        counts[name] = len(tokens)
    files = {name: folder / f"{name}.npy" for name in parts}
    return Texts(**files, bytes_per_token=len(parts["measure"].encode()) / counts["measure"])
