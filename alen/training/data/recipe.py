"""What a model is trained on: files, how they are read, cut and masked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alen.text.byte_pairs import SMALLEST

Kind = Literal["auto", "text", "jsonl", "tokens"]
Task = Literal["causal", "masked", "classification"]


class DataRecipe(BaseModel):
    """``train`` and ``validation`` are files, or folders of packed tokens; ``kind`` auto goes by their endings. Without
    ``validation`` files ``validation_share`` of the training data is held out: the end of each text file, the rows of
    JSON Lines whose text hashes low (so equal texts stay together), the last documents of packed tokens.

    ``length`` is the tokens of a window, or the longest row to classify. ``tokenizer`` is an installed model, a folder,
    or None: the one that packed tokens came with, else byte-level BPE of ``vocab_size`` from the training part.
    ``work`` keeps tokenizers and packed tokens for the next run; None keeps them until the process ends. ``workers``
    are processes that make batches ahead of time; 0 makes them when they are asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: tuple[Path, ...] = Field(min_length=1)
    validation: tuple[Path, ...] = ()
    validation_share: float = Field(0.05, ge=0, le=0.5)
    kind: Kind = "auto"
    field: str = "text"
    label: str = "label"
    length: int = Field(ge=8, lt=2**20)
    tokenizer: str | Path | None = None
    vocab_size: int = Field(8192, ge=SMALLEST, lt=2**31)
    work: Path | None = None
    mask_share: float = Field(0.15, gt=0, lt=1)
    workers: int = Field(0, ge=0, le=64)
