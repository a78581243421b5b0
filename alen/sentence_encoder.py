"""SentenceEncoder: texts in, unit vectors out, in batches cut by length.

Axes: B batch, T tokens, D dimension.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from tokenizers import Tokenizer as FastTokenizer

from alen import models, paths
from alen.errors import BadInput, CorruptWeights
from alen.neural import native

if TYPE_CHECKING:
    from alen.neural.precision import Precision

TOKENS_PER_BATCH = 8192
"""Enough rows to keep the matrix units busy; more only costs memory."""

_TEXTS_PER_ROUND = 4096
"""Texts that are tokenised and sorted together, so that memory does not grow with the list."""


class Vectors(Protocol):
    """Texts in tokens to vectors: ``TorchEncoder`` or ``NativeEncoder``."""

    @property
    def dim(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def embed(self, texts: Sequence[Sequence[int]]) -> np.ndarray: ...


class SentenceEncoder:
    """The mean of a BERT style encoder's last hidden states over a text's tokens, scaled to length 1 (Reimers and
    Gurevych, 2019). Texts longer than ``max_tokens`` are cut there, as the reference does. Safe to use from many
    threads. ``fingerprint`` names the weights, not the precision: vectors made in bfloat16 and in float32 differ by a
    cosine below 0.001 and may lie in one store."""

    def __init__(
        self,
        vectors: Vectors,
        tokenizer: FastTokenizer,
        *,
        name: str,
        fingerprint: str,
        max_tokens: int,
    ) -> None:
        self._vectors = vectors
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._lock = threading.Lock()
        self.name = name
        self.fingerprint = fingerprint
        self.max_tokens = max_tokens
        self.dim = vectors.dim

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "all-minilm-l6-v2",
        home: str | Path | None = None,
        dtype: Precision = "auto",
        threads: int | None = None,
    ) -> SentenceEncoder:
        """Load an installed encoder by name, or a Hugging Face style folder. ``dtype`` auto is bfloat16 where the
        processor multiplies it natively, by ALEN's own kernels if they were compiled, and float32 elsewhere, where
        emulating it would be slower. ``threads`` are all processors, or torch's choice, when not given.

        Raises UnknownModel, ModelNotInstalled, CorruptWeights, BadInput when it is a decoder."""
        home = paths.home(home)
        files = models.locate(name_or_path, home)
        if files.kind != "encoder":
            raise BadInput("encoder", f"{files.name}, a {files.kind}", "an encoder", "For example all-minilm-l6-v2.")
        try:
            tokenizer = FastTokenizer.from_file(str(files.path / "tokenizer.json"))
        except Exception as error:  # the tokenizer library raises bare Exception
            raise CorruptWeights(f"{files.path / 'tokenizer.json'}: {error}.", "Copy the folder again.") from None
        vectors = _vectors(files, home, dtype, threads)
        return cls(
            vectors,
            tokenizer,
            name=files.name,
            fingerprint=files.fingerprint,
            max_tokens=_max_tokens(files.path, vectors.max_tokens),
        )

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length, in the order of ``texts``. A vector does not depend, but for
        rounding, on what else is in the list."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for places, rows in self._rounds(texts):
            with self._lock:
                vectors[places] = self._vectors.embed(rows)
        return vectors

    def count_tokens(self, texts: list[str]) -> list[int]:
        """How many tokens of each text are read, with the marks around them and without what is cut off."""
        return [len(row.ids) for row in self._tokenizer.encode_batch_fast(texts)]

    def batches(self, texts: list[str]) -> list[list[int]]:
        """Which texts ``encode`` embeds together, by their places in the list. Each group encoded by itself, anywhere,
        gives the same vectors to the last bit, where rounding in bfloat16 would show another grouping."""
        return [places for places, _ in self._rounds(texts)]

    def _rounds(self, texts: list[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Places and tokens of each batch."""
        if isinstance(texts, str):
            raise BadInput("texts", "one text", "a list of texts", "Put the text into a list.")
        for start in range(0, len(texts), _TEXTS_PER_ROUND):
            ids = [row.ids for row in self._tokenizer.encode_batch_fast(texts[start : start + _TEXTS_PER_ROUND])]
            for places in _batches([len(row) for row in ids]):
                yield [start + place for place in places], [ids[place] for place in places]


def _vectors(files: models.ModelFiles, home: Path, dtype: Precision, threads: int | None) -> Vectors:
    """By the kernels where they were compiled and know the model; their weights are kept beside them."""
    folder = paths.kernels_folder(home)
    library = native.compiled(folder) if dtype == "auto" else None
    if library is not None and library.alen_encodes():
        digest = hashlib.sha256(files.fingerprint.encode()).hexdigest()[:16]
        kept = folder / f"encoder-{digest}.safetensors"
        weights = native.EncoderWeights.load(kept) or _made(files.path, kept)
        if weights is not None:
            return native.NativeEncoder(library, weights, threads=threads or _processors())
    import torch

    from alen.neural.precision import choose_dtype
    from alen.neural.torch_encoder import TorchEncoder
    from alen.neural.weights import load_encoder

    if threads:
        torch.set_num_threads(threads)
    return TorchEncoder(load_encoder(files.path, dtype=choose_dtype(dtype)).model)


def _made(folder: Path, kept: Path) -> native.EncoderWeights | None:
    import torch

    from alen.neural.weights import load_encoder

    model = load_encoder(folder, dtype=torch.float32).model
    if native.why_no_encoder(model.config) is not None:
        return None
    weights = native.EncoderWeights.of(model)
    with suppress(OSError):  # a folder that cannot be written to: made again next time
        weights.save(kept)
    return weights


def _processors() -> int:
    """That this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices grouped by length, longest first, each group padded to at most TOKENS_PER_BATCH tokens."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // lengths[order[start]])
        yield order[start : start + size]
        start += size


def _max_tokens(folder: Path, context: int) -> int:
    file = folder / "sentence_bert_config.json"
    if not file.is_file():
        return context
    try:
        return min(context, int(json.loads(file.read_text("utf-8"))["max_seq_length"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptWeights(f"{file}: {error}.", "Copy the folder again.") from None
