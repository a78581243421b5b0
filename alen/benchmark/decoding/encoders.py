"""Programs that embed texts with one encoder: sides as those that write, started by ``sides``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class EncoderSide(Protocol):
    def embed(self, texts: list[str]) -> tuple[float, list[list[float]]]:
        """Seconds for texts that come in any order, and the vectors of the first few."""
        ...


SHOWN = 8
"""Vectors that a side tells, so that all can be seen to be the same."""


class OurEncoder:
    """As an engine has it: on the kernels that were compiled."""

    def __init__(self, folder: str, threads: int) -> None:
        import torch

        from alen.neural.native import make
        from alen.paths import home, kernels_folder
        from alen.sentence_encoder import SentenceEncoder

        torch.set_num_threads(threads)
        make(kernels_folder(home()))
        self._encoder = SentenceEncoder.from_pretrained(folder)

    def embed(self, texts: list[str]) -> tuple[float, list[list[float]]]:
        started = time.perf_counter()
        vectors = self._encoder.encode(texts)
        return time.perf_counter() - started, vectors[:SHOWN].tolist()


class SentenceTransformers:
    """The library whose model it is; it sorts by length, too."""

    def __init__(self, folder: str, threads: int, dtype: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self._model = SentenceTransformer(
            str(Path(folder)), device="cpu", model_kwargs={"torch_dtype": getattr(torch, dtype)}
        )

    def embed(self, texts: Sequence[str]) -> tuple[float, list[list[float]]]:
        started = time.perf_counter()
        vectors = self._model.encode(list(texts), show_progress_bar=False)
        return time.perf_counter() - started, vectors[:SHOWN].tolist()
