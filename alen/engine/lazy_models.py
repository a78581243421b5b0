"""Models that load at first use, once, whichever thread comes first; asking their name loads nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from alen import models
from alen.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from alen.engine.local_model import LocalModel
    from alen.types import Encoder, Reader

T = TypeVar("T")


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


def load_encoder(settings: Settings) -> Encoder:
    """The sentence encoder of the settings, in memory."""
    from alen.sentence_encoder import SentenceEncoder

    use_threads(settings)
    return SentenceEncoder.from_pretrained(settings.encoder, home=settings.home)


def load_reader(settings: Settings) -> Reader:
    """The language model as a reader of passages."""
    from alen.generation.reader import SpanReader

    use_threads(settings)
    files = models.locate(settings.model, settings.home)
    return SpanReader.load(files.path, name=files.name, fingerprint=files.fingerprint)


def load_generator(settings: Settings) -> LocalModel:
    """The language model as one that writes."""
    return _local(settings, settings.model)


def load_verifier(settings: Settings) -> LocalModel | None:
    """The second language model, where one is set."""
    return None if settings.verifier is None else _local(settings, settings.verifier)


def no_model() -> None:
    """For an engine without one."""
    return


def _local(settings: Settings, name: str) -> LocalModel:
    from alen.engine.local_model import LocalModel

    use_threads(settings)
    return LocalModel.load(name, settings.home)


def use_threads(settings: Settings) -> None:
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)
