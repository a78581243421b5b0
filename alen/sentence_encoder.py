"""SentenceEncoder: texts in, unit vectors out, in batches cut by length.

Axes: B batch, T tokens, D dimension.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor

from alen import models, paths
from alen.errors import BadInput, CorruptWeights
from alen.neural.precision import Precision, choose_dtype
from alen.neural.transformer import Transformer
from alen.neural.weights import load_encoder

TOKENS_PER_BATCH = 8192
"""Enough rows to keep the matrix units busy; more only costs memory."""

_TEXTS_PER_ROUND = 4096
"""Texts that are tokenised and sorted together, so that memory does not grow with the list."""


class SentenceEncoder:
    """The mean of a BERT style encoder's last hidden states over a text's tokens, scaled to length 1 (Reimers and
    Gurevych, 2019). Texts longer than ``max_tokens`` are cut there, as the reference does. Safe to use from many
    threads. ``fingerprint`` names the weights, not the precision: vectors made in bfloat16 and in float32 differ by a
    cosine below 0.001 and may lie in one store."""

    def __init__(
        self, model: Transformer, tokenizer: FastTokenizer, *, name: str, fingerprint: str, max_tokens: int
    ) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._lock = threading.Lock()
        self.name = name
        self.fingerprint = fingerprint
        self.max_tokens = max_tokens
        self.dim = int(model.config.d_model)

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = "all-minilm-l6-v2", home: str | Path | None = None, dtype: Precision = "auto"
    ) -> SentenceEncoder:
        """Load an installed encoder by name, or a Hugging Face style folder. ``dtype`` auto is bfloat16 where the
        processor multiplies it natively and float32 elsewhere, where emulating it would be slower.

        Raises UnknownModel, ModelNotInstalled, CorruptWeights, BadInput when it is a decoder."""
        files = models.locate(name_or_path, paths.home(home))
        if files.kind != "encoder":
            raise BadInput("encoder", f"{files.name}, a {files.kind}", "an encoder", "For example all-minilm-l6-v2.")
        try:
            tokenizer = FastTokenizer.from_file(str(files.path / "tokenizer.json"))
        except Exception as error:  # the tokenizer library raises bare Exception
            raise CorruptWeights(f"{files.path / 'tokenizer.json'}: {error}.", "Copy the folder again.") from None
        loaded = load_encoder(files.path, dtype=choose_dtype(dtype))
        return cls(
            loaded.model,
            tokenizer,
            name=files.name,
            fingerprint=files.fingerprint,
            max_tokens=_max_tokens(files.path, loaded.config.max_seq_len),
        )

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length, in the order of ``texts``. A vector does not depend, but for
        rounding, on what else is in the list."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for places, rows in self._rounds(texts):
            vectors[places] = self._embed(rows).numpy()
        return vectors

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

    @torch.inference_mode()
    def _embed(self, rows: list[list[int]]) -> Tensor:
        length = max(map(len, rows))
        tokens_BT = torch.zeros(len(rows), length, dtype=torch.long)
        for place, row in enumerate(rows):
            tokens_BT[place, : len(row)] = torch.tensor(row)
        lengths_B = torch.tensor([len(row) for row in rows])
        real_BT = torch.arange(length) < lengths_B[:, None]
        mask_BTS = None if bool(real_BT.all()) else real_BT[:, None, :]
        with self._lock:
            hidden_BTD = self._model.hidden(tokens_BT, mask_BTS=mask_BTS)
        # The mean in float32: a sum of 256 bfloat16 numbers would lose digits.
        weights_BT = real_BT.float()
        mean_BD = torch.bmm(weights_BT[:, None, :], hidden_BTD.float())[:, 0] / lengths_B[:, None]
        return torch.nn.functional.normalize(mean_BD, dim=-1)


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
