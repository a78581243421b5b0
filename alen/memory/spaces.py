"""Embedding spaces: which encoder made the stored vectors, and vectors on their way in and out of the database.

Axes: N rows, D dimension.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput, EmbeddingMismatch
from alen.memory import damage, schema
from alen.memory.identity import now
from alen.memory.sql import run
from alen.types import Encoder

KINDS = ("question", "passage", "sentence")
_REPLACE = (
    "INSERT INTO embedding(space_id, item_id, vec) VALUES (?, ?, ?) "
    "ON CONFLICT (space_id, item_id) DO UPDATE SET vec = excluded.vec"
)
STORED = np.dtype("<f2")


def active(connection: sa.Connection) -> dict[str, tuple[int, str, str, int]]:
    """kind to (id, fingerprint, model, dim) of the spaces in use; empty until something was embedded."""
    rows = run(connection, "SELECT kind, id, fingerprint, model, dim FROM embedding_space WHERE state = 'active'")
    return {kind: (number, fingerprint, model, dim) for kind, number, fingerprint, model, dim in rows}


def check(connection: sa.Connection, encoder: Encoder) -> dict[str, int]:
    """kind to id of the spaces in use. Raises EmbeddingMismatch when another encoder made them: vectors of two
    encoders cannot be compared."""
    found = active(connection)
    for _, fingerprint, model, dim in found.values():
        if fingerprint != encoder.fingerprint or dim != encoder.dim:
            raise EmbeddingMismatch(
                f"The memory holds vectors of {model} ({dim} dimensions, {fingerprint[:12]}), "
                f"the encoder is {encoder.name} ({encoder.dim} dimensions, {encoder.fingerprint[:12]}).",
                f"Set ALEN_ENCODER={model}, or move the memory: alen memory reembed --encoder {encoder.name}",
            )
    return {kind: number for kind, (number, *_) in found.items()}


def ensure(connection: sa.Connection, encoder: Encoder) -> dict[str, int]:
    """As ``check``; makes the spaces when there are none. Needs a write transaction."""
    found = check(connection, encoder)
    for kind in KINDS:
        if kind not in found:
            row = {"kind": kind, "model": encoder.name, "fingerprint": encoder.fingerprint, "dim": encoder.dim}
            row |= {"dtype": "float16", "state": "active", "created_at": now()}
            found[kind] = schema.insert(connection, schema.embedding_space, row)
    return found


def encode(encoder: Encoder, texts: Sequence[str]) -> np.ndarray:
    """float32 (n, dim). Raises BadInput when the encoder does not keep its promise of finite unit vectors."""
    vectors_ND = np.asarray(encoder.encode(list(texts)), dtype=np.float32)
    return checked(vectors_ND, (len(texts), encoder.dim), f"vectors of encoder {encoder.name}")


def encode_if(encoder: Encoder | None, texts: Sequence[str]) -> list[np.ndarray | None]:
    """A vector for each text, or None for each when there is no encoder."""
    return [None] * len(texts) if encoder is None or not texts else list(encode(encoder, texts))


def stacked(vectors: Iterable[Any]) -> np.ndarray:
    """float32 (n, D). Raises BadInput for vectors that are not numbers of one length."""
    try:
        return np.stack([np.asarray(vector_D, dtype=np.float32) for vector_D in vectors])
    except (ValueError, TypeError) as error:
        hint = "Use the encoder the memory was opened with."
        raise BadInput("vector", str(error)[:80], "numbers of one length", hint) from None


def checked(vectors: np.ndarray, shape: tuple[int, ...], field: str) -> np.ndarray:
    if vectors.shape != shape:
        raise BadInput(field, f"shape {vectors.shape}", f"shape {shape}", "Use the encoder the memory was opened with.")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.vecdot(vectors, vectors)
    if not (abs(squares - 1) < 0.04).all():  # nor is it when one is no number
        raise BadInput(field, "a vector that is not of length 1", "finite unit vectors", "Normalise the vectors.")
    return vectors


def write(connection: sa.Connection, space: int, vectors: Iterable[tuple[int, np.ndarray]]) -> None:
    """Store the vectors (D or n x D) of items, replacing older ones."""
    rows = [(space, item, value.astype(STORED).tobytes()) for item, value in vectors]
    if rows:
        run(connection, _REPLACE, rows)


def unpack(blobs: Sequence[bytes], dim: int) -> tuple[list[int], np.ndarray]:
    """Rows per value, and all rows as float32 (N, dim). Raises StoreError for a value of another length."""
    if any(len(blob) % (STORED.itemsize * dim) for blob in blobs):
        raise damage.told(f"a vector that is not of {dim} half floats")
    counts = [len(blob) // (STORED.itemsize * dim) for blob in blobs]
    flat = np.frombuffer(b"".join(blobs), dtype=STORED)
    return counts, flat.reshape(-1, dim).astype(np.float32)
