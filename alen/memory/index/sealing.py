"""Making a sealed index from the database: rows in order of their items, sorted into cells, and measured.

Axes: I items, N rows, D dimension, K neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alen.memory import faults
from alen.memory.index import faiss_guard, files, planning, sealed
from alen.memory.index.files import Manifest
from alen.memory.index.sealed import KIND, Search

_ADD_AT_ONCE = 65_536
_STEP = 1.2
"""Between one number of probes that is tried and the next."""

_SAME = 1e-5
_AGAIN = (5, 7, 10, 14, 20, 28, 40, 80, 160)

_CANDIDATES = 16
_PARALLEL = 2.0
"""Cells that a row could be in as well, and how much an error counts that points where that of the first does."""

_CODED_FROM = 16_384
"""Rows that codes are made from: each has but sixteen values to learn."""


def seal(
    folder: Path,
    vectors: Iterable[tuple[list[int], list[int], np.ndarray]],
    *,
    store_uuid: str,
    namespace: int,
    space: int,
    fingerprint: str,
    dim: int,
    watermark: int,
    anchor: str | None,
    generation: int,
    threads: int,
    go_on: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write a generation and make it the current one. ``vectors`` gives items in ascending order, how many rows each
    has, and the rows as half floats; it is gone through once. ``go_on`` is called often, and raises to give up."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"gen-{generation:06d}"
    items: list[int] = []
    counts: list[int] = []

    def rows(file: Any) -> None:
        for some_items, some_counts, some_ND in vectors:
            go_on()
            items.extend(some_items)
            counts.extend(some_counts)
            file.write(np.ascontiguousarray(some_ND, dtype="<f2").data.cast("B"))

    written = {f"{name}.vec": files.write(folder, f"{name}.vec", rows)}
    start_I = np.concatenate([[0], np.cumsum(counts, dtype="<i8")]).astype("<i8")
    item_I = np.asarray(items, dtype="<i8")
    for suffix, array in (("item", item_I), ("start", start_I)):
        file = f"{name}.{suffix}"
        written[file] = files.write(folder, file, partial(_dump, array))
    half_ND = np.memmap(folder / f"{name}.vec", dtype="<f2", mode="r", shape=(int(start_I[-1]), dim))
    chosen = planning.plan(len(half_ND), dim)
    faiss = faiss_guard.load()
    faiss.omp_set_num_threads(threads)  # of the thread that asks: searches of others stay as they are
    ivf = _built(half_ND, chosen, threads, go_on)
    how, recall = _measured(ivf, half_ND, chosen, go_on)
    faults.reach("seal:built")
    writer = faiss.PyCallbackIOWriter
    written[f"{name}.ivf"] = files.write(
        folder, f"{name}.ivf", lambda out: faiss.write_index(ivf, writer(out.write, 1 << 20))
    )
    manifest = Manifest(
        generation=generation,
        store_uuid=store_uuid,
        namespace=namespace,
        space=space,
        fingerprint=fingerprint,
        dim=dim,
        watermark=watermark,
        anchor=anchor,
        kind=KIND,
        lists=chosen.lists,
        probes=how.probes,
        again=how.again,
        recall=round(recall, 4),
        items=len(item_I),
        rows=len(half_ND),
        digest=digest(space, item_I),
        files=written,
    )
    files.publish(folder, manifest)
    return manifest


def _dump(array: np.ndarray, out: Any) -> None:
    out.write(array.data.cast("B"))


def digest(space: int, items: np.ndarray) -> int:
    """A sum that does not depend on the order, of a mixed number of each item: equal sums mean equal sets, but for one
    case in 2 to the 64th. The mixing is that of splitmix64 (Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        mixed = np.asarray(items, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(space + 1)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return int((mixed ^ (mixed >> np.uint64(31))).sum(dtype=np.uint64))


def _built(half_ND: np.ndarray, chosen: planning.Plan, threads: int, go_on: Callable[[], None]) -> Any:
    faiss = faiss_guard.load()
    dim = half_ND.shape[1]
    chance = np.random.default_rng(0)
    sample = np.sort(chance.choice(len(half_ND), chosen.train, replace=False))
    train_ND = np.asarray(half_ND[sample], dtype=np.float32)
    options = {"niter": 8, "spherical": True, "min_points_per_centroid": 1, "max_points_per_centroid": 1 << 30}
    cells = faiss.Kmeans(dim, chosen.lists, **options)
    cells.train(train_ND)
    quantizer = faiss.IndexFlatIP(dim)
    quantizer.add(cells.centroids)
    ivf = faiss.IndexIVFPQ(quantizer, dim, chosen.lists, chosen.parts, 4, faiss.METRIC_INNER_PRODUCT)
    # Codes of the vectors themselves: a question's table is the same for all cells.
    ivf.by_residual = False
    ivf.pq.cp.min_points_per_centroid = 1
    # Sixteen values are to be learned, also of fewer rows.
    some = np.resize(chance.permutation(len(train_ND)), max(min(len(train_ND), _CODED_FROM), 16))
    # Hundreds of small problems: threads would cost more than they bring.
    faiss.omp_set_num_threads(1)
    ivf.train(train_ND[some])
    faiss.omp_set_num_threads(threads)
    between_LL = cells.centroids @ cells.centroids.T
    start = 0
    for part in _parts(half_ND):
        go_on()
        rows = np.arange(start, start + len(part), dtype=np.int64)
        for cell_N in _cells(quantizer, part, between_LL):
            arrays = part, rows, np.ascontiguousarray(cell_N)
            ivf.add_core(len(part), *map(faiss.swig_ptr, arrays))
        start += len(part)
    scanned = faiss.IndexIVFPQFastScan(ivf)
    # Every question is compared with all centres: half the bytes take half the time, and push less out of the cache.
    halves = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_bf16, faiss.METRIC_INNER_PRODUCT)
    halves.add(cells.centroids)
    scanned.quantizer = halves
    scanned.referenced_objects = [halves]  # it points to it and does not keep it
    return scanned


def _cells(quantizer: Any, part_ND: np.ndarray, between_LL: np.ndarray) -> list[np.ndarray]:
    """Two cells for each row: the nearest, and of the next the one that best makes up for its error. A question that
    the first cell misleads is not misled by one whose error points elsewhere (Sun et al., 2023, "SOAR: Improved
    Indexing for Approximate Nearest Neighbor Search")."""
    many = min(_CANDIDATES, quantizer.ntotal)
    score_NC, cell_NC = quantizer.search(part_ND, many)
    if many == 1:
        return [cell_NC[:, 0]]
    first_N1, others_NC = score_NC[:, :1], score_NC[:, 1:]
    # Rows and centres are unit vectors, so that inner products say how long errors are and how far they are parallel.
    parallel_NC = 1 - first_N1 - others_NC + between_LL[cell_NC[:, :1], cell_NC[:, 1:]]
    loss_NC = (2 - 2 * others_NC) + _PARALLEL * parallel_NC**2 / np.maximum(2 - 2 * first_N1, 1e-6)
    best_N = loss_NC.argmin(axis=1) + 1
    return [cell_NC[:, 0], cell_NC[np.arange(len(part_ND)), best_N]]


def _measured(ivf: Any, half_ND: np.ndarray, chosen: planning.Plan, go_on: Callable[[], None]) -> tuple[Search, float]:
    """The least work that finds enough, and recall@10: the worse of two. Some questions are rows that are left out,
    others lie between two rows: a memory that holds everything many times over has near neighbours for each of its
    rows, and people ask what is new to it."""
    chance = np.random.default_rng(1)
    count = min(planning.QUESTIONS, len(half_ND))
    sample = np.sort(chance.choice(len(half_ND), count, replace=False))
    own_ND = np.asarray(half_ND[sample], dtype=np.float32)
    between_ND = own_ND + chance.permutation(own_ND)
    between_ND /= np.maximum(np.linalg.norm(between_ND, axis=1, keepdims=True), 1e-6)
    # A row finds itself first, and then as many as the others.
    k = sealed.MEASURED_AT
    wanted = ((query_ND, min(k, len(half_ND))) for query_ND, k in ((between_ND, k), (own_ND, k + 1)))
    sets = [(query_ND, k, _last(half_ND, query_ND, k)) for query_ND, k in wanted]

    def recall(how: Search) -> float:
        go_on()
        return min(_share(sealed.nearest(ivf, half_ND, query_ND, k, how), last_N, k) for query_ND, k, last_N in sets)

    # First how far codes can be trusted, with all cells read; then how few cells will do.
    for again in _AGAIN:
        reached = recall(Search(chosen.lists, again))
        if reached >= planning.OF_CODES:
            break
    if reached < planning.BY_CODES:
        every = Search(chosen.lists, 0)
        return every, recall(every)
    probes = max(1, chosen.lists // 512)
    while True:
        reached = recall(Search(probes, again))
        if reached >= planning.RECALL or probes >= chosen.lists:
            return Search(probes, again), reached
        probes = min(chosen.lists, max(probes + 1, int(probes * _STEP)))


def _share(found: Sequence[tuple[np.ndarray, np.ndarray]], last_N: np.ndarray, k: int) -> float:
    """Of the ``k`` true neighbours but for a row's own. By score, as many rows can be equally near."""
    hits = sum(np.count_nonzero(own >= last - _SAME) for (_, own), last in zip(found, last_N, strict=True))
    missed = k * len(found) - hits
    return 1 - missed / max(min(k, sealed.MEASURED_AT) * len(found), 1)


def _last(half_ND: np.ndarray, query_ND: np.ndarray, k: int) -> np.ndarray:
    """The inner product of each question's k-th nearest row."""
    best_NK = np.empty((len(query_ND), 0), dtype=np.float32)
    for part in _parts(half_ND):
        both_NK = np.concatenate([best_NK, query_ND @ part.T], axis=1)
        best_NK = -np.partition(-both_NK, min(k, both_NK.shape[1]) - 1, axis=1)[:, :k]
    return best_NK.min(axis=1)


def _parts(half_ND: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(half_ND), _ADD_AT_ONCE):
        yield np.asarray(half_ND[start : start + _ADD_AT_ONCE], dtype=np.float32)
