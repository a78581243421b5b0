"""Where weights lie that were trained on a namespace: beside its indexes, since they go when anything is erased."""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa

from alen.memory.store import Store

_FOLDER = "weights"


def folder(store: Store, connection: sa.Connection, namespace: int) -> Path | None:
    """Not created; None where the store has no place for files."""
    return None if store.index_folder is None else _of(store.index_folder, store.uuid(connection), namespace)


def discard(index_folder: Path | None, store_uuid: str, namespace: int | None) -> None:
    """Delete them, of all namespaces when None: what they say of what was erased cannot be taken out of them. Raises
    OSError."""
    if index_folder is not None:
        wanted = f"{_FOLDER}-*" if namespace is None else f"{_FOLDER}-{namespace}"
        for there in (index_folder / store_uuid).glob(wanted):
            shutil.rmtree(there)


def _of(index_folder: Path, store_uuid: str, namespace: int) -> Path:
    return index_folder / store_uuid / f"{_FOLDER}-{namespace}"
