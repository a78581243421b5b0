"""NativeEncoder: texts of any lengths, side by side without padding, to one vector each. Needs no torch.

Axes: B texts, T tokens of all of them, D model.
"""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Sequence

import numpy as np

from alen.errors import BadInput
from alen.neural.native.encoder_weights import MATRICES, NORMS, TABLES, EncoderWeights

_PARTS = (
    *MATRICES,
    *(f"{name}_bias" for name in MATRICES),
    *(f"{name}_{part}" for name in NORMS for part in ("scale", "shift")),
)


class _Shape(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in "layers width heads inner threads".split()),
        ("eps", ctypes.c_float),
    ]


class _Tables(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in TABLES]


class _Layer(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in _PARTS]


class NativeEncoder:
    """The mean of an encoder's last states over the tokens of a text, scaled to length 1: on matrix units in
    bfloat16 but for sums; elsewhere float32, with products of whole numbers of eleven bits or so.

    A vector comes out bit for bit the same whatever else is embedded with it. Not safe to use from many threads at
    once. Raises BadInput where the processor has neither AVX2 nor more."""

    def __init__(self, library: ctypes.CDLL, weights: EncoderWeights, *, threads: int) -> None:
        self.shape, self._library, self._weights = weights.shape, library, weights
        shape = self.shape
        told = _Shape(shape.layers, shape.width, shape.heads, shape.inner, threads, shape.eps)
        tables = _Tables(*(weights.arrays[name].ctypes.data for name in TABLES))
        layers = (_Layer * shape.layers)(
            *(
                _Layer(*(weights.arrays[f"{layer}.{part}"].ctypes.data for part in _PARTS))
                for layer in range(shape.layers)
            )
        )
        library.alen_encoder_new.restype = ctypes.c_void_p
        made = library.alen_encoder_new(ctypes.byref(told), ctypes.byref(tables), layers)
        if made is None:
            raise BadInput("processor", "no wide registers", "one with AVX2, AVX-512 or AMX", "Let torch compute it.")
        self._encoder = ctypes.c_void_p(made)
        weakref.finalize(self, library.alen_encoder_free, self._encoder)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.shape.width

    @property
    def max_tokens(self) -> int:
        """The longest text there are positions for."""
        return self.shape.positions

    def embed(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors (B, D) float32 of length 1, of texts of at least one token each. Raises BadInput."""
        starts_B = np.zeros(len(texts) + 1, dtype=np.int32)
        np.cumsum([len(text) for text in texts], out=starts_B[1:])
        tokens_T = np.fromiter(itertools.chain.from_iterable(texts), dtype=np.int32, count=int(starts_B[-1]))
        lengths_B = np.diff(starts_B)
        if len(texts) and not 0 < lengths_B.min() <= lengths_B.max() <= self.max_tokens:
            found, allowed = f"{lengths_B.min()} to {lengths_B.max()} tokens", f"1 to {self.max_tokens} tokens each"
            raise BadInput("texts", found, allowed, "Cut the texts.")
        if tokens_T.size and not 0 <= tokens_T.min() <= tokens_T.max() < self.shape.words:
            allowed = f"0 to {self.shape.words - 1}"
            raise BadInput("texts", "an id outside of the vocabulary", allowed, "Use its tokenizer.")
        vectors_BD = np.empty((len(texts), self.dim), dtype=np.float32)
        told = [ctypes.c_void_p(array.ctypes.data) for array in (tokens_T, starts_B, vectors_BD)]
        self._library.alen_encode(self._encoder, told[0], told[1], len(texts), told[2])
        return vectors_BD
