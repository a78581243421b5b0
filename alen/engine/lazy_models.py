"""Models that load at first use, once, whichever thread comes first; asking their name loads nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from alen import models, paths
from alen.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from alen.sentence_encoder import SentenceEncoder
    from alen.types import Reader

T = TypeVar("T")

CALIBRATED_READER = "smollm2-135m-instruct"
"""The model whose readings core/default_calibration.json was fitted to, with the adapter that ships."""


class Once(Generic[T]):
    """A value made by the first call; a failure is not kept, so the next call tries again."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value: T | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._value is None:
                self._value = self._make()
            return self._value


class LazyEncoder:
    """The Encoder protocol over an installed model. Raises ModelNotInstalled when made, not when first used."""

    def __init__(self, settings: Settings) -> None:
        files = models.locate(settings.encoder, settings.home)
        self.name = files.name
        self.fingerprint = files.fingerprint
        self._load = Once(lambda: load_encoder(settings))

    @property
    def dim(self) -> int:
        return self._load().dim

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (n, dim), rows of unit length."""
        return self._load().encode(texts)

    def count_tokens(self, texts: list[str]) -> list[int]:
        """How many tokens of each text are read."""
        return self._load().count_tokens(texts)


def load_encoder(settings: Settings) -> SentenceEncoder:
    """The sentence encoder of the settings, in memory."""
    from alen.sentence_encoder import SentenceEncoder

    return SentenceEncoder.from_pretrained(settings.encoder, home=settings.home, threads=settings.threads)


def load_span_reader(settings: Settings) -> Reader:
    """The language model of this machine as a reader of passages. Only the model that the calibration of ALEN was
    fitted with reads in its family."""
    from alen.generation.reader import SpanReader
    from alen.neural.native import compiled

    use_threads(settings)
    files = models.locate(settings.model, settings.home)
    fitted = models.info(CALIBRATED_READER, settings.home).fingerprint == files.fingerprint
    family = "read" if fitted else None
    kept = paths.kernels_folder(settings.home)
    return SpanReader.load(
        files.path, name=files.name, fingerprint=files.fingerprint, family=family, kernels=compiled(kept), kept=kept
    )


def use_threads(settings: Settings) -> None:
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)
