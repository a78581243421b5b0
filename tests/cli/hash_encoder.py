"""An encoder for commands: vectors of hashed words, so that alike texts are near and no model is needed."""

from __future__ import annotations

import numpy as np

from alen.thought import ThoughtState


class HashEncoder:
    """Takes settings as the real one does, and does not look at them."""

    name, dim, fingerprint = "hash", 64, "hash-64"

    def __init__(self, settings: object = None) -> None:
        pass

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.stack([ThoughtState.from_input(text, self.dim).vector for text in texts])


class WideEncoder(HashEncoder):
    """Another encoder: its vectors cannot be compared with those of HashEncoder."""

    name, dim, fingerprint = "wide", 128, "hash-128"
