"""LangChain's embeddings as an encoder of ALEN, and ALEN's encoders as embeddings of LangChain.

Axes: N texts, D dimension, S planes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings

from alen.errors import BadInput
from alen.types import Encoder

PROBE = "The kiln is fired on Tuesdays."
_SIDES = 32


class AlenEmbeddings(Embeddings):
    """Any encoder of ALEN, such as ``SentenceEncoder``, where LangChain wants embeddings."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector_D.tolist() for vector_D in self.encoder.encode(texts)] if texts else []

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class EmbeddingsEncoder:
    """LangChain embeddings of documents as an encoder: unit vectors, and a fingerprint that two models do not share.

    The fingerprint is of the class, the dimension, and on which side of 32 fixed planes the vector of a fixed text lies
    (SimHash, Charikar 2002): a service whose numbers differ in the last digit from call to call is still the same
    model. ``fingerprint``, when it is given, stands for all that: the name and version of the model."""

    def __init__(self, embeddings: Embeddings, fingerprint: str | None = None) -> None:
        self.name = type(embeddings).__name__
        self._embeddings = embeddings
        probe_D = self.encode([PROBE])[0]
        self.dim = len(probe_D)
        # RandomState gives the same numbers in every version of numpy.
        planes_SD = np.random.RandomState(0).standard_normal((_SIDES, self.dim))
        sides = "".join("+" if side > 0 else "-" for side in planes_SD @ probe_D)
        said = fingerprint or f"{self.name} {self.dim} {sides}"
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 (N, D). Raises BadInput when the embeddings give a vector without a direction."""
        return unit(self._embeddings.embed_documents(texts), self.name)


def encoder_of(embeddings: Embeddings, fingerprint: str | None = None) -> Encoder:
    """The encoder that ``AlenEmbeddings`` holds, so that its store is also that of an engine; else a new one."""
    return embeddings.encoder if isinstance(embeddings, AlenEmbeddings) else EmbeddingsEncoder(embeddings, fingerprint)


def unit(vectors: Sequence[Sequence[float]] | Sequence[float], name: str) -> np.ndarray:
    """float32 of length 1 along the last axis. Raises BadInput for a vector without a direction."""
    found = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(found, axis=-1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        allowed = "finite numbers, not all of them 0"
        raise BadInput(f"vector of {name}", "one without a direction", allowed, "Leave out the text that has it.")
    return np.asarray(found / lengths, dtype=np.float32)
