"""Sealing in the background: reads one moment of the database, writes files, and never holds up a commit."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from filelock import FileLock, Timeout

from alen.errors import StoreError
from alen.memory import faults, log, spaces
from alen.memory.index import faiss_guard, files, sealing
from alen.memory.index.files import Manifest, Unusable
from alen.memory.index.sealed import Sealed
from alen.memory.sql import run
from alen.memory.store import Store

_LOGGER = logging.getLogger(__name__)
_READ_AT_ONCE = 8192

ELSEWHERE_SECONDS, FAILED_SECONDS = 1.0, 60.0
"""Until sealing is tried again when another process is at it, and when it failed, as on a full disk."""
LOCK = "LOCK"
"""Held while a generation is made or thrown away. The file stays: of two with one name each could be locked."""

WAIT_SECONDS = 600
"""How long throwing away waits for a sealing, which takes a minute for a million rows."""

_ENDING = threading.Event()
_RUNNING: set[threading.Thread] = set()

_VECTORS = {
    "passage": (
        "SELECT e.item_id, e.vec FROM embedding e JOIN passage i ON i.id = e.item_id "
        "WHERE i.status = 'active' AND i.namespace_id = ? AND e.space_id = ? AND e.item_id > ? "
        "ORDER BY e.item_id LIMIT ?"
    ),
    "question": (
        "SELECT e.item_id, e.vec FROM embedding e JOIN episode i ON i.id = e.item_id "
        "WHERE i.recallable AND i.namespace_id = ? AND e.space_id = ? AND e.item_id > ? ORDER BY e.item_id LIMIT ?"
    ),
}
_VECTORS["sentence"] = _VECTORS["passage"]


class Sealer:
    """The sealed indexes of one space of one namespace."""

    def __init__(
        self,
        folder: Path,
        reading: Callable[[], AbstractContextManager[sa.Connection]],
        *,
        store_uuid: str,
        namespace: int,
        kind: str,
        space: int,
        fingerprint: str,
        dim: int,
        use_gpu: bool = True,
    ) -> None:
        self.folder = folder / store_uuid / f"{namespace}-{kind}-{space}"
        self._reading = reading
        self._store_uuid, self._namespace, self._kind = store_uuid, namespace, kind
        self._space, self._fingerprint, self._dim = space, fingerprint, dim
        self._use_gpu = use_gpu
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def manifest(self) -> Manifest | None:
        """What is said of the current generation, without a look at its content."""
        try:
            return files.current(self.folder)
        except Unusable:
            return None

    def open(self) -> Sealed | None:
        """The current generation when it was made from this database; what cannot be trusted is put aside."""
        try:
            found = self._current()
            if not files.leftovers(self.folder, None if found is None else found.manifest):
                return found
        except Unusable:
            found = None
        try:
            with FileLock(self.folder / LOCK, timeout=0):
                return self._tidied()
        except Timeout:
            return found  # whoever is sealing tidies up as well
        except OSError as error:
            _LOGGER.warning("The index in %s is left as it is: %s.", self.folder, error)
            return found

    def _current(self) -> Sealed | None:
        manifest = files.current(self.folder)
        if manifest is None:
            return None
        # A moment after the manifest was read: an older one would not know the newest entry that it names.
        with self._reading() as connection:
            self._fits(connection, manifest)
        return Sealed(self.folder, manifest, use_gpu=self._use_gpu)

    def _tidied(self) -> Sealed | None:
        """While nobody seals: what was just replaced is not damaged."""
        try:
            found = self._current()
        except Unusable as error:
            _LOGGER.warning("The index in %s is made anew: %s.", self.folder, error)
            found = None
        files.collect(self.folder, None if found is None else found.manifest)
        return found

    def discard(self) -> None:
        discard(self.folder)

    def standing(self) -> dict[str, Any] | None:
        """Which generation counts, up to which entry of the log, and what it is; None without one."""
        manifest = self.manifest()
        if manifest is None:
            return None
        names = ("generation", "watermark", "lists", "probes", "again", "recall", "rows")
        return {"index": manifest.kind, **{name: getattr(manifest, name) for name in names}}

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether ``begin`` would do something: not while it is at work, nor soon after it failed."""
        return not self.busy and time.monotonic() >= self._not_before

    def begin(self) -> None:
        """Seal in the background, unless that is being done already, here or elsewhere."""
        if self.idle:
            self._thread = threading.Thread(target=self._try, name="alen-sealing", daemon=True)
            _RUNNING.add(self._thread)
            self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def seal(self) -> Manifest | None:
        """Write the next generation; None when another process is at it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / LOCK, timeout=0):
                return self._sealed()
        except Timeout:
            return None

    def _try(self) -> None:
        try:
            if self.seal() is None:
                self._not_before = time.monotonic() + ELSEWHERE_SECONDS
        except Exception as error:
            # Whatever it was: the old generation and the database go on serving.
            self._not_before = time.monotonic() + FAILED_SECONDS
            if not _ENDING.is_set():
                _LOGGER.warning("No index was sealed in %s: %s.", self.folder, error)
        finally:
            _RUNNING.discard(threading.current_thread())

    def _sealed(self) -> Manifest | None:
        try:
            last = files.current(self.folder)
        except Unusable:
            last = None
        try:
            manifest = self._next(1 if last is None else last.generation + 1)
        except BaseException:
            files.collect(self.folder, last)
            raise
        files.collect(self.folder, manifest)
        return manifest

    def _next(self, generation: int) -> Manifest | None:
        """None when there is nothing to seal any more."""
        with ExitStack() as moment:
            connection = moment.enter_context(self._reading())
            first = run(connection, _VECTORS[self._kind], (self._namespace, self._space, 0, 1)).first()
            if first is None:
                return None
            watermark = log.last(connection, self._namespace)
            faults.reach("seal:begun")
            return sealing.seal(
                self.folder,
                self._rows(connection, moment),
                store_uuid=self._store_uuid,
                namespace=self._namespace,
                space=self._space,
                fingerprint=self._fingerprint,
                dim=self._dim,
                watermark=watermark,
                anchor=log.anchor(connection, self._namespace, watermark),
                generation=generation,
                threads=faiss_guard.threads(),
                go_on=_go_on,
            )

    def _rows(self, connection: sa.Connection, moment: ExitStack) -> Iterator[tuple[list[int], list[int], np.ndarray]]:
        """All of them; then the read ends, as a log cannot be emptied beside one and computing takes a minute."""
        after = 0
        while True:
            found = run(connection, _VECTORS[self._kind], (self._namespace, self._space, after, _READ_AT_ONCE)).all()
            if not found:
                moment.close()
                return
            items = [row[0] for row in found]
            blobs = [row[1] for row in found]
            width = spaces.STORED.itemsize * self._dim
            flat = np.frombuffer(b"".join(blobs), dtype=spaces.STORED).reshape(-1, self._dim)
            yield items, [len(blob) // width for blob in blobs], flat
            after = items[-1]

    def _fits(self, connection: sa.Connection, manifest: Manifest) -> None:
        own = (self._store_uuid, self._namespace, self._space, self._fingerprint, self._dim)
        theirs = (manifest.store_uuid, manifest.namespace, manifest.space, manifest.fingerprint, manifest.dim)
        if own != theirs:
            raise Unusable("it belongs to another store or encoder")
        same = log.anchor(connection, self._namespace, manifest.watermark) == manifest.anchor
        # Entries of before the second schema have no number: of these, that they are there must do.
        if not same or log.last(connection, self._namespace) < manifest.watermark:
            raise Unusable("the database is not the one that it was made from, or an older copy of it")


def sealers_of(
    store: Store,
    connection: sa.Connection,
    namespace: int,
    in_use: Mapping[str, tuple[int, str, str, int]],
    use_gpu: bool,
) -> dict[str, Sealer]:
    """By kind; none where there is no FAISS or no place for files."""
    folder = store.index_folder
    if folder is None or not faiss_guard.installed():
        return {}
    uuid = store.uuid(connection)
    return {
        kind: Sealer(
            folder,
            store.reading,
            store_uuid=uuid,
            namespace=namespace,
            kind=kind,
            space=space,
            fingerprint=fingerprint,
            dim=dim,
            use_gpu=use_gpu,
        )
        for kind, (space, fingerprint, _, dim) in in_use.items()
    }


def folders(index_folder: Path | None, store_uuid: str, namespace: int | None = None) -> list[Path]:
    """Of all sealed indexes of a store, or of one of its namespaces."""
    if index_folder is None:
        return []
    return sorted((index_folder / store_uuid).glob("*-*-*" if namespace is None else f"{namespace}-*-*"))


def discard(folder: Path) -> None:
    """Throw an index away; nothing is lost, as the database has it all. Waits for whoever is sealing, which may be
    writing what was in the database before. Raises StoreError when that takes too long, and OSError."""
    if not folder.exists():
        return
    try:
        with FileLock(folder / LOCK, timeout=WAIT_SECONDS):
            faults.reach("discard:begun")
            files.collect(folder, None)
            files.sync(folder)
    except Timeout:
        raise StoreError(
            f"{folder}: another process has been sealing for {WAIT_SECONDS} seconds.", "Try again when it is done."
        ) from None


def _go_on() -> None:
    if _ENDING.is_set():
        raise Unusable("the process ends")


def _end() -> None:
    """A thread that is inside of FAISS when the interpreter is taken down ends the process with SIGABRT: what is being
    sealed is given up, and made by another process."""
    _ENDING.set()
    running = list(_RUNNING)
    if running:
        faiss_guard.interrupt()
    for thread in running:
        thread.join()


atexit.register(_end)
