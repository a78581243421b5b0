"""Vectors, texts and true neighbours that every participant of the memory benchmark is given, made once and kept.

Real texts come first, so that a small size holds nothing else. What is wanted beyond them lies between real neighbours:
the vector of a text drawn towards one of its nearest, and a little along the difference of two others, so that it stays
where vectors of texts are. Held-out real texts ask; true neighbours are found by comparing everything in float32.

Axes: N rows, Q queries, D dimension, K neighbours.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alen.errors import BadInput
from alen.types import Encoder

K = 10
NEIGHBOURS = 8
PULL = (0.15, 0.5)
"""How far a row is drawn towards a neighbour, between these shares."""
NOISE = 0.2
"""Length of the step along a difference of two others, beside vectors of length 1."""
TENANTS = {"tenant-1": 0.0001, "tenant-2": 0.001, "tenant-3": 0.01, "tenant-4": 0.1}
"""Shares of the rows; the others belong to nobody in particular."""
HALF_FROM = 2_000_000
"""Rows from which the file holds half floats, so that it stays below the memory of a small machine."""
ALIKE = 1e-4
"""Cosines nearer than this to the last true neighbour's count as it: half floats cannot tell them apart."""

_AT_ONCE = 65_536
_GROUP = 64

Report = Callable[[str, int, int], None]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Real:
    """Encoded texts: those that ask, those that are added one by one later, and the rows with their neighbours."""

    pairs: Sequence[Pair]
    vectors_ND: np.ndarray
    neighbours_NK: np.ndarray
    queries: int
    more: int
    seed: int
    folder: Path

    @property
    def first(self) -> int:
        """Where the rows begin."""
        return self.queries + self.more


@dataclass(frozen=True, slots=True)
class Rows:
    """One size on disk. ``vectors`` and ``texts`` go together row by row; ids are row numbers. The name of the folder
    changes with the data. Only the first ``reached`` of the rows are in a store that was not filled in time."""

    folder: Path
    count: int
    more: int
    seed: int
    reached: int

    @property
    def vectors(self) -> Path:
        return self.folder / f"rows-{self.count}.npy"

    @property
    def texts(self) -> Path:
        return self.folder / f"rows-{self.count}.jsonl"

    @property
    def truth(self) -> Path:
        return self.folder / f"truth-{self.count}-{self.reached}.npz"

    def last_scores(self, tenant: str | None) -> np.ndarray:
        """The cosine of each query's last true neighbour (Q), among all rows or a tenant's."""
        with np.load(self.truth) as found:
            return found[tenant or "all"]

    def query_vectors(self) -> np.ndarray:
        return np.load(self.folder / "queries.npy")

    def owners(self) -> list[str]:
        """Of the rows that were reached; empty for nobody in particular."""
        return tenants(self.count, self.seed)[: self.reached]


def encode(pairs: Sequence[Pair], encoder: Encoder, folder: Path, report: Report) -> np.ndarray:
    """The questions' vectors, kept in ``folder`` under a name that depends on texts and encoder."""
    key = hashlib.sha256(encoder.fingerprint.encode())
    for question, _ in pairs:
        key.update(question.encode() + b"\n")
    file = folder / f"real-{key.hexdigest()[:12]}.npy"
    if not file.is_file():
        vectors_ND = np.empty((len(pairs), encoder.dim), dtype=np.float32)
        for start in range(0, len(pairs), 4096):
            some = [question for question, _ in pairs[start : start + 4096]]
            vectors_ND[start : start + 4096] = encoder.encode(some)
            report("encoding", start + len(some), len(pairs))
        _save(file, vectors_ND)
    return np.load(file)


def real(
    pairs: Sequence[Pair],
    vectors_ND: np.ndarray,
    folder: Path,
    report: Report,
    *,
    queries: int,
    more: int,
    seed: int = 0,
) -> Real:
    """Splits the texts and writes, in a folder of its own, those that ask and those that come later. Raises BadInput
    when too few are left."""
    first = queries + more
    if len(pairs) <= first + NEIGHBOURS:
        raise BadInput("data", f"{len(pairs)} texts", f"more than {first + NEIGHBOURS}", "Ask fewer --queries.")
    digest = hashlib.sha256(np.ascontiguousarray(vectors_ND).data).hexdigest()[:12]
    own = folder / f"{digest}-{queries}-{more}-{seed}"
    if not (own / "neighbours.npy").is_file():
        own.mkdir(parents=True, exist_ok=True)
        for name, start, end in (("queries", 0, queries), ("more", queries, first)):
            _save(own / f"{name}.npy", vectors_ND[start:end])
            _write_texts(own / f"{name}.jsonl", ((*pair, "") for pair in pairs[start:end]))
        _save(own / "neighbours.npy", _neighbours(vectors_ND[first:], report))
    return Real(pairs, vectors_ND, np.load(own / "neighbours.npy"), queries, more, seed, own)


def rows(source: Real, count: int, report: Report) -> Rows:
    """``count`` rows on disk with the truth about them; nothing is made again that is there."""
    made = Rows(source.folder, count, source.more, source.seed, count)
    if made.truth.is_file():
        return made
    dtype = np.float16 if count >= HALF_FROM else np.float32
    owners = tenants(count, source.seed)
    part = made.vectors.with_suffix(".part")
    stored_ND = np.lib.format.open_memmap(part, "w+", dtype, (count, source.vectors_ND.shape[1]))
    truth = _Truth(made.query_vectors(), owners)

    def texts() -> Iterator[tuple[str, str, str]]:
        for start, pairs, vectors_ND in _chunks(source, count):
            stored_ND[start : start + len(pairs)] = vectors_ND
            truth.see(start, stored_ND[start : start + len(pairs)])
            report(f"{count:,} rows", start + len(pairs), count)
            for number, (question, answer) in enumerate(pairs, start):
                yield question, answer, owners[number]

    _write_texts(made.texts, texts())
    stored_ND.flush()
    part.rename(made.vectors)
    truth.save(made.truth)
    return made


def first_of(made: Rows, count: int) -> Rows:
    """The first ``count`` of the rows, with the truth about them alone."""
    fewer = replace(made, reached=count)
    if not fewer.truth.is_file():
        truth = _Truth(made.query_vectors(), fewer.owners())
        stored_ND = np.load(made.vectors, mmap_mode="r")
        for start in range(0, count, _AT_ONCE):
            truth.see(start, stored_ND[start : min(start + _AT_ONCE, count)])
        truth.save(fewer.truth)
    return fewer


def tenants(count: int, seed: int) -> list[str]:
    """The owner of each row; empty for nobody in particular."""
    owners = [""] * count
    order = np.random.default_rng([seed, 7]).permutation(count)
    start = 0
    for name, share in TENANTS.items():
        for number in order[start : start + max(1, round(share * count))].tolist():
            owners[number] = name
        start += max(1, round(share * count))
    return owners


def nearest(query_QD: np.ndarray, row_ND: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and row numbers of the ``count`` nearest unit vectors (Q, count), in no order; exact."""
    score_QN = query_QD @ row_ND.T
    whole = score_QN.shape[1] // _GROUP * _GROUP
    if score_QN.shape[1] <= 4 * count * _GROUP or whole != score_QN.shape[1]:
        best = np.argpartition(-score_QN, min(count, score_QN.shape[1]) - 1, axis=1)[:, :count]
        return np.take_along_axis(score_QN, best, axis=1), best
    # The best rows lie in the groups with the best maxima: only those few are looked at one by one.
    grouped = score_QN.reshape(len(score_QN), -1, _GROUP)
    groups = np.argpartition(-grouped.max(axis=2), count - 1, axis=1)[:, :count]
    among = np.take_along_axis(grouped, groups[:, :, None], axis=1).reshape(len(score_QN), -1)
    best = np.argpartition(-among, count - 1, axis=1)[:, :count]
    number = np.take_along_axis(groups, best // _GROUP, axis=1) * _GROUP + best % _GROUP
    return np.take_along_axis(among, best, axis=1), number


def between(source: Real, start: int, count: int) -> tuple[list[Pair], np.ndarray]:
    """Rows ``start`` to ``start + count`` beyond the real ones: texts with a number, and vectors between neighbours."""
    chance = np.random.default_rng([source.seed, start])
    own_ND = source.vectors_ND[source.first :]
    base = chance.integers(len(own_ND), size=count)
    other = source.neighbours_NK[base, chance.integers(source.neighbours_NK.shape[1], size=count)]
    pull = chance.uniform(*PULL, size=(count, 1)).astype(np.float32)
    one, two = chance.integers(len(own_ND), size=(2, count))
    step_ND = own_ND[one] - own_ND[two]
    step_ND *= NOISE / np.maximum(np.linalg.norm(step_ND, axis=1, keepdims=True), 1e-6)
    vectors_ND = (1 - pull) * own_ND[base] + pull * own_ND[other] + step_ND
    vectors_ND /= np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    pairs = []
    for number, row in enumerate(base.tolist(), start):
        question, answer = source.pairs[source.first + row]
        pairs.append((f"{question} ({number})", answer))
    return pairs, vectors_ND.astype(np.float32)


class _Truth:
    """The cosines of the best K rows of each query so far, among all and among each tenant's."""

    def __init__(self, query_QD: np.ndarray, owners: Sequence[str]) -> None:
        self._query_QD = query_QD
        self._owners = np.array(owners)
        self._best = {name: np.empty((len(query_QD), 0), dtype=np.float32) for name in ("all", *TENANTS)}

    def see(self, start: int, part_ND: np.ndarray) -> None:
        part_ND = np.asarray(part_ND, dtype=np.float32)
        owners = self._owners[start : start + len(part_ND)]
        for name, best in self._best.items():
            rows_ND = part_ND if name == "all" else part_ND[owners == name]
            if len(rows_ND):
                both = np.concatenate([best, nearest(self._query_QD, rows_ND, K)[0]], axis=1)
                self._best[name] = -np.sort(-both, axis=1)[:, :K]

    def save(self, file: Path) -> None:
        """A tenant that has no row has no truth either: nothing can be missed."""
        last = {name: best[:, -1] if best.size else np.full(len(best), np.inf) for name, best in self._best.items()}
        part = file.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **last)
        part.rename(file)


def _chunks(source: Real, count: int) -> Iterator[tuple[int, Sequence[Pair], np.ndarray]]:
    known = min(count, len(source.pairs) - source.first)
    for start in range(0, known, _AT_ONCE):
        end = min(start + _AT_ONCE, known)
        here = slice(source.first + start, source.first + end)
        yield start, source.pairs[here], source.vectors_ND[here]
    for start in range(known, count, _AT_ONCE):
        yield start, *between(source, start, min(_AT_ONCE, count - start))


def _neighbours(vectors_ND: np.ndarray, report: Report, at_once: int = 512) -> np.ndarray:
    """The nearest others of each row (N, NEIGHBOURS)."""
    found = np.empty((len(vectors_ND), NEIGHBOURS), dtype=np.int32)
    even = len(vectors_ND) // _GROUP * _GROUP or len(vectors_ND)  # the last few are nobody's neighbours, for speed
    for start in range(0, len(vectors_ND), at_once):
        scores, numbers = nearest(vectors_ND[start : start + at_once], vectors_ND[:even], NEIGHBOURS + 1)
        own = np.arange(start, start + len(numbers))[:, None]
        scores[numbers == own] = -np.inf
        order = np.argsort(-scores, axis=1)[:, :NEIGHBOURS]
        found[start : start + at_once] = np.take_along_axis(numbers, order, axis=1)
        report("neighbours", start + len(numbers), len(vectors_ND))
    return found


def _write_texts(file: Path, texts: Iterator[tuple[str, str, str]]) -> None:
    part = file.with_suffix(".part.jsonl")
    with part.open("w", encoding="utf-8") as lines:
        for question, answer, tenant in texts:
            lines.write(json.dumps([question, answer, tenant], ensure_ascii=False) + "\n")
    part.rename(file)


def _save(file: Path, array: np.ndarray) -> None:
    """Under its name only when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npy")
    np.save(part, array)
    os.replace(part, file)
