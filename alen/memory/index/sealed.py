"""A sealed index: files that never change, made from the database and thrown away when they do not fit it.

Axes: I items, N rows (an item has one or more, side by side), Q queries, D dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from alen.memory.index import faiss_guard, files, gpu
from alen.memory.index.exact import best_of_spans
from alen.memory.index.files import Manifest, Unusable
from alen.memory.index.mapped import Mapped

KIND = "ivf-pq4"
"""Cells, two for each row, and in them four bits for every two numbers of a vector (André, Kermarrec and Le Scouarnec,
2017, "Accelerated Nearest Neighbor Search with Quick ADC"); the best are compared again in half floats."""

MEASURED_AT = 10
"""Neighbours that recall is measured for. Whoever asks for fewer gets what was measured: with the codes of fewer rows
looked at again, a row might not even find itself."""

_AT_ONCE = 8192
_SIGN_AND_REST = np.int32(0x8FFFE000 - (1 << 32))
LIKELY = 1.1
"""No two unit vectors are nearer than 1; with rounding a little more. A score beyond this comes of a damaged row."""


class Sealed:
    """Searches what was sealed; what was removed since is the caller's to leave out. Safe to use from many threads."""

    def __init__(self, folder: Path, manifest: Manifest, *, use_gpu: bool = True) -> None:
        """A GPU, where there is one and FAISS can use it, searches from the time when many ask; it compares everything.

        Raises Unusable when a file is missing or is not as it was written. Of the vectors, which are most of it,
        only the size is looked at: damage there can do no worse than a wrong score, and ``verify`` reads them."""
        self.manifest = manifest
        name = f"gen-{manifest.generation:06d}"
        files.check(folder, manifest, besides=".vec")
        try:
            self.item_I = Mapped(folder / f"{name}.item", "<i8", (manifest.items,)).array
            self.start_I = Mapped(folder / f"{name}.start", "<i8", (manifest.items + 1,)).array
            self._vectors = Mapped(folder / f"{name}.vec", "<f2", (manifest.rows, manifest.dim))
            faiss = faiss_guard.load()
            self._ivf: Any = faiss.read_index(str(folder / f"{name}.ivf"))
        except (OSError, ValueError, RuntimeError) as error:
            raise Unusable(f"{name}: {error}") from None
        entries = manifest.rows * min(manifest.lists, 2)
        if self._ivf.ntotal != entries or self._ivf.d != manifest.dim:
            raise Unusable(f"{name}.ivf holds {self._ivf.ntotal} entries, not {entries}")
        self.copy = gpu.copy_of(self._vectors.array, str(folder / name)) if use_gpu else None

    def __len__(self) -> int:
        return self.manifest.items

    def places(self, items: Sequence[int] | np.ndarray) -> np.ndarray:
        """Where items stand, -1 for those that are not here."""
        wanted = np.asarray(items, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.item_I, wanted), len(self.item_I) - 1)
        return np.where(self.item_I[at] == wanted, at, -1)

    def owners(self, rows: np.ndarray) -> np.ndarray:
        """The place of the item that each row belongs to."""
        if self.manifest.items == self.manifest.rows:
            return rows
        return np.searchsorted(self.start_I, rows, side="right") - 1

    def read(self, rows: np.ndarray) -> np.ndarray:
        """float32 (n, D)."""
        found_ND = _floats(self._vectors.array[rows])
        self._vectors.looked_at(len(rows))
        return found_ND

    def best(self, query_D: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each item its highest inner product, and which of its rows has it."""
        first_I = self.start_I[places]
        return best_of_spans(self.read, first_I, self.start_I[places + 1] - first_I, query_D, LIKELY)

    def top(self, query_D: np.ndarray, count: int, left: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Rows and inner products of about the ``count`` best, best first. Where only a share is ``left``, the nearest
        of these lie further away: as many of them are looked at as when the recall was measured."""
        return self.top_many(query_D[None], count, left)[0]

    def top_many(self, query_QD: np.ndarray, count: int, left: float = 1.0) -> list[tuple[np.ndarray, np.ndarray]]:
        """As ``top`` for each query, and more of them where not all are left; together they take less time than one
        after another."""
        vectors_ND = self._vectors.array
        rows_QK = None if self.copy is None else self.copy.search(query_QD, count)
        if rows_QK is None:
            more = 1.0 / max(left, 1e-9)
            # Whoever has lost its neighbours finds the next ones in other cells: more than in proportion.
            probes = min(self.manifest.lists, math.ceil(self.manifest.probes * more**2))
            wide = min(self.manifest.rows, math.ceil(count * more))
            how = Search(probes, self.manifest.again)
            self._vectors.looked_at(len(query_QD) * how.depth(wide))
            return nearest(self._ivf, vectors_ND, query_QD, wide, how)
        self._vectors.looked_at(rows_QK.size)
        pairs = zip(rows_QK, query_QD, strict=True)
        return [again(vectors_ND, rows, query_D, count) for rows, query_D in pairs]


@dataclass(frozen=True, slots=True)
class Search:
    """``probes`` nearest cells are read, and ``again`` rows compared again for each one that is asked for; with 0 every
    row is compared, where codes cannot tell rows apart."""

    probes: int
    again: int

    def depth(self, count: int) -> int:
        """Rows that are compared again for the best ``count``."""
        return self.again * max(count, MEASURED_AT)


def nearest(
    ivf: Any, half_ND: np.ndarray, query_QD: np.ndarray, count: int, how: Search
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and inner products of about the ``count`` best of each query, best first."""
    if how.again == 0:
        return [_of_all(half_ND, query_D, count) for query_D in query_QD]
    _, found = ivf.search(
        np.ascontiguousarray(query_QD, dtype=np.float32), how.depth(count), params=_options(how.probes)
    )
    return [again(half_ND, rows, query_D, count) for rows, query_D in zip(found, query_QD, strict=True)]


def again(half_ND: np.ndarray, rows: np.ndarray, query_D: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The best of some rows, compared in half floats."""
    rows_N = np.array(list({*rows.tolist()} - {-1}), dtype=np.int64)  # faster than numpy's own for so few
    scores_N = np.vecdot(_floats(half_ND[rows_N]), query_D)
    if not scores_N.max(initial=0.0) <= LIKELY:  # so that NaN is told as well
        likely_N = abs(scores_N) <= LIKELY
        rows_N, scores_N = rows_N[likely_N], scores_N[likely_N]
    order = np.lexsort((rows_N, -scores_N))[:count]
    return rows_N[order], scores_N[order]


def _floats(half_ND: np.ndarray) -> np.ndarray:
    """As float32, in two thirds of the time that numpy takes: sign, exponent and fraction are moved to their places,
    and the exponent's bias is made up for. What is infinite or no number becomes 65,536 or more."""
    bits_ND = half_ND.view(np.int16).astype(np.int32)
    bits_ND <<= 13
    bits_ND &= _SIGN_AND_REST
    floats_ND = bits_ND.view(np.float32)
    floats_ND *= np.float32(2.0**112)
    return floats_ND


@lru_cache
def _options(probes: int) -> Any:
    return faiss_guard.load().SearchParametersIVF(nprobe=probes)


def _of_all(half_ND: np.ndarray, query_D: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    rows_N = np.empty(0, dtype=np.int64)
    for start in range(0, len(half_ND), _AT_ONCE):
        part = np.arange(start, min(start + _AT_ONCE, len(half_ND)))
        rows_N = again(half_ND, np.concatenate([rows_N, part]), query_D, count)[0]
    return again(half_ND, rows_N, query_D, count)
