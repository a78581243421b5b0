"""Which tokenizer the data is read with: an installed model's, a folder's, or one learned from the texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer as Fast
from tokenizers import processors

from alen import models, paths
from alen.neural.weights.gguf import read_metadata
from alen.text import byte_pairs
from alen.text.tokenizer import Tokenizer
from alen.training.data.recipe import Task
from alen.training.data.sources import Source

LEARNED_BYTES = 128 * 2**20
"""Bytes of text that a vocabulary is learned from, held in memory; of more, pieces at equal distances are taken."""

_ENCODER = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", byte_pairs.END)


def find(name_or_folder: str | Path) -> Tokenizer:
    """Raises UnknownModel, ModelNotInstalled, CorruptWeights, BadInput."""
    folder = Path(name_or_folder).expanduser()
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_folder(folder)
    path = models.locate(name_or_folder, paths.home()).path
    return Tokenizer.from_folder(path) if path.is_dir() else Tokenizer.from_gguf(read_metadata(path))


def learn(sources: Sequence[Source], vocab_size: int, task: Task) -> Tokenizer:
    """Byte-level BPE. Encoders get [CLS] and [SEP] around a text, and [MASK]. Raises BadInput."""
    if task == "causal":
        return byte_pairs.train(_sample(sources), vocab_size)
    made = byte_pairs.train(_sample(sources), vocab_size, specials=_ENCODER)
    fast = Fast.from_str(made.to_json())
    around = [(name, fast.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    fast.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    return Tokenizer(fast, eos_ids=made.eos_ids, bos_id=None, chat_template=None)


def _sample(sources: Sequence[Source]) -> Iterator[str]:
    every = -(-sum(source.path.stat().st_size for source in sources) // LEARNED_BYTES)
    pieces = (piece for source in sources for piece in source.pieces())
    return (piece.text for number, piece in enumerate(pieces) if number % every == 0)
