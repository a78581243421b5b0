"""ALEN's vector index as a backend of txtai: ``Embeddings(backend="alen.integrations.txtai.AlenANN")``.

CURRENT, gen-000001.*     what is sealed, as memory has it: see alen.memory.index.files
changes-000001.npz        what was added to that generation and removed from it since; of generation 0: everything

Axes: N rows, Q queries, D dimension.
"""

from __future__ import annotations

import io
import itertools
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from txtai.ann import ANN

import alen
from alen.errors import BadInput, StoreError
from alen.memory.index import faiss_guard, files, planning, sealing
from alen.memory.index.files import Manifest, Unusable
from alen.memory.index.layered import LayeredIndex
from alen.memory.index.sealed import Sealed

_AT_ONCE = 8192
Rows = tuple[list[int], list[int], np.ndarray]


class AlenANN(ANN):
    """Exact up to 20,000 rows; above that sealed into mapped files, whose recall is measured when they are made, and
    sealed again when a tenth has changed. Rows are half floats. What ``save`` wrote is there as a whole or not at all,
    whatever it is interrupted by, and a folder that is in use can be saved to.

    Setting ``verify``: true compares every byte of the sealed files with its hash when they are loaded."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if type(config.get("quantize")) is int:
            raise BadInput("quantize", str(config["quantize"]), "no bits", "Leave it out: rows are half floats.")
        self._fresh: dict[int, np.ndarray] = {}
        self._files: dict[str, int] = {}

    def index(self, embeddings: np.ndarray) -> None:
        self.close()
        self.backend = LayeredIndex(embeddings.shape[1])
        self.config["offset"] = 0
        self._add(embeddings)
        self.metadata({"alen": alen.__version__})

    def append(self, embeddings: np.ndarray) -> None:
        self._add(embeddings)
        self.metadata()

    def delete(self, ids: Iterable[int]) -> None:
        for item in ids:
            self.backend.remove(item)
            self._fresh.pop(item, None)
        self.metadata()

    def search(self, queries: np.ndarray, limit: int) -> list[list[tuple[int, float]]]:
        return [self.backend.top_scored(query_D, limit) for query_D in np.asarray(queries, dtype=np.float32)]

    def count(self) -> int:
        return len(self.backend)

    def close(self) -> None:
        super().close()
        self._fresh = {}

    def load(self, path: str) -> None:
        """Raises StoreError when the folder is not one that ``save`` wrote, or is damaged."""
        folder = Path(path)
        self.close()
        try:
            manifest = files.current(folder)
            if manifest is not None and self.setting("verify"):
                files.check(folder, manifest)
            sealed = None if manifest is None else self._opened(folder, manifest)
            with np.load(_changes(folder, manifest)) as changes:
                dim, offset, gone, item_N, half_ND = (changes[name] for name in _CHANGES)
        except (Unusable, OSError, ValueError, KeyError) as error:
            raise StoreError(f"{folder}: {error}.", "Save the index again.") from error
        self.backend = LayeredIndex(int(dim), sealed)
        self.config["offset"] = int(offset)
        self._put(item_N.tolist(), half_ND)
        for item in gone.tolist():
            self.backend.remove(item)

    def save(self, path: str) -> None:
        folder = Path(path)
        if folder.is_file():
            folder.unlink()  # of another backend
        folder.mkdir(parents=True, exist_ok=True)
        manifest = self._sealed_in(folder)
        sealed = self.backend.sealed
        item_N = np.fromiter(self._fresh, np.int64, len(self._fresh))
        values = {
            "dim": self.backend.dim,
            "offset": self.config["offset"],
            "gone": [] if sealed is None else np.setdiff1d(sealed.item_I, self.backend.items()),
            "items": item_N,
            "rows": np.array(list(self._fresh.values()), np.float16).reshape(len(item_N), self.backend.dim),
        }
        changes = _changes(folder, manifest)
        packed = io.BytesIO()
        np.savez(packed, **values)
        files.write(folder, changes.name, lambda file: file.write(packed.getbuffer()))
        # From here on the new generation counts: its changes are there already.
        if manifest is None:
            (folder / files.CURRENT).unlink(missing_ok=True)
            files.sync(folder)
        else:
            files.publish(folder, manifest)
        files.collect(folder, manifest)
        for file in set(folder.glob("changes-*")) - {changes}:
            file.unlink()

    def _add(self, rows_ND: np.ndarray) -> None:
        start = self.config["offset"]
        items = list(range(start, start + len(rows_ND)))
        self.config["offset"] += len(items)
        sealed = self.backend.sealed
        changed = self.backend.changed + len(items)
        if planning.stale(0 if sealed is None else len(sealed), changed) and faiss_guard.installed():
            self._seal(items, rows_ND)
        else:
            self._put(items, rows_ND.astype(np.float16))

    def _put(self, items: Sequence[int], half_ND: np.ndarray) -> None:
        self.backend.put(items, [1] * len(items), half_ND.astype(np.float32))
        self._fresh |= dict(zip(items, half_ND, strict=True))

    def _seal(self, items: Sequence[int], rows_ND: np.ndarray) -> None:
        """All that there is and these rows."""
        with tempfile.TemporaryDirectory(prefix="alen-", ignore_cleanup_errors=True) as name:
            manifest = sealing.seal(
                Path(name),
                itertools.chain(self._rows(), _parts(items, rows_ND)),
                store_uuid=uuid.uuid4().hex,
                namespace=0,
                space=0,
                fingerprint="",
                dim=self.backend.dim,
                watermark=0,
                anchor=None,
                generation=1,
                threads=faiss_guard.load().omp_get_max_threads(),
            )
            self.backend = LayeredIndex(self.backend.dim, self._opened(Path(name), manifest))
        self._fresh = {}

    def _opened(self, folder: Path, manifest: Manifest) -> Sealed:
        """Held open, so that it can be searched and saved when its folder is gone: archives are unpacked for a while
        only."""
        sealed = Sealed(folder, manifest)
        self._files = {name: os.open(folder / name, os.O_RDONLY) for name in manifest.files}
        weakref.finalize(sealed, _close, list(self._files.values()))
        return sealed

    def _rows(self) -> Iterator[Rows]:
        """What there is, in order of the ids: those that are not sealed came later."""
        sealed = self.backend.sealed
        if sealed is not None:
            place_I = np.flatnonzero(np.isin(sealed.item_I, self.backend.items()))
            for start in range(0, len(place_I), _AT_ONCE):
                part = place_I[start : start + _AT_ONCE]
                yield sealed.item_I[part].tolist(), [1] * len(part), sealed.read(part)
        yield from _parts(list(self._fresh), np.array(list(self._fresh.values())))

    def _sealed_in(self, folder: Path) -> Manifest | None:
        """The sealed files as they are in ``folder``, copied there if they are not yet; they do not count yet."""
        if self.backend.sealed is None:
            return None
        own = self.backend.sealed.manifest
        try:
            there = files.current(folder)
        except Unusable:
            there = None
        if there is not None and there.store_uuid == own.store_uuid:
            return there
        generation = 1 if there is None else there.generation + 1
        names = {name: f"gen-{generation:06d}{Path(name).suffix}" for name in own.files}
        for name, new in names.items():
            with os.fdopen(os.dup(self._files[name]), "rb") as file:
                file.seek(0)
                if files.write(folder, new, partial(shutil.copyfileobj, file)) != own.files[name]:
                    raise StoreError(f"{name} changed since it was written.", "Index again.")
        return replace(own, generation=generation, files={names[name]: fact for name, fact in own.files.items()})


_CHANGES = ("dim", "offset", "gone", "items", "rows")


def _changes(folder: Path, manifest: Manifest | None) -> Path:
    return folder / f"changes-{0 if manifest is None else manifest.generation:06d}.npz"


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)


def _parts(items: Sequence[int], rows_ND: np.ndarray) -> Iterator[Rows]:
    for start in range(0, len(items), _AT_ONCE):
        part = items[start : start + _AT_ONCE]
        yield list(part), [1] * len(part), rows_ND[start : start + _AT_ONCE]
