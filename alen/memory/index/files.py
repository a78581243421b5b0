"""Files of a sealed index: written whole or not at all, with their hashes in a manifest that is written last.

CURRENT                 the manifest that counts, and its hash
gen-000042.json         what the files are, of which store, up to which entry of the log
gen-000042.ivf, .vec, .item, .start
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from alen.memory import faults

FORMAT = 2
CURRENT = "CURRENT"


class Unusable(Exception):
    """A sealed index that cannot be trusted, and why; the database is read instead and another one is made."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """``watermark`` is the last entry of the log that is in the index, ``anchor`` the random number of that entry: a
    database that was restored from a copy has another one there. ``recall`` was measured when the index was made."""

    generation: int
    store_uuid: str
    namespace: int
    space: int
    fingerprint: str
    dim: int
    watermark: int
    anchor: str | None
    kind: str
    lists: int
    probes: int
    again: int
    recall: float
    items: int
    rows: int
    digest: int
    files: dict[str, dict[str, Any]]


def write(folder: Path, name: str, content: Callable[[BinaryIO], object]) -> dict[str, Any]:
    """Write a file through ``content``, on the disk when this returns; its size and hash.

    FAISS's own writer takes no notice of a full disk, so it is given a file of ours."""
    partial = folder / f"{name}.partial"
    try:
        with partial.open("wb") as raw:
            faults.reach("file:opened")
            hashed = _Hashed(raw)
            content(hashed)  # type: ignore[arg-type]  # has what writers need
            faults.reach("file:written")
            raw.flush()
            os.fsync(raw.fileno())
        faults.reach("file:flushed")
        partial.rename(folder / name)
    except BaseException:
        partial.unlink(missing_ok=True)  # on a full disk its room is needed
        raise
    faults.reach("file:renamed")
    return {"bytes": hashed.size, "sha256": hashed.digest.hexdigest()}


def publish(folder: Path, manifest: Manifest) -> None:
    """From now on this generation counts; the one before is removed once nobody opens it by name."""
    name = f"gen-{manifest.generation:06d}.json"
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    fact = write(folder, name, lambda file: file.write(text))
    sync(folder)
    faults.reach("seal:manifest")
    line = f"{name} {fact['sha256']}".encode()
    write(folder, CURRENT, lambda file: file.write(line))
    sync(folder)
    faults.reach("seal:published")


def named(folder: Path) -> bytes | None:
    """What ``CURRENT`` says, to be compared with what it said before; None without one."""
    try:
        return (folder / CURRENT).read_bytes()
    except OSError:
        return None


def current(folder: Path) -> Manifest | None:
    """None where nothing was sealed. Raises Unusable when what is there is damaged; of the manifest the hash is
    compared here, of other files the sizes, and their hashes in ``check``."""
    try:
        name, _, digest = (folder / CURRENT).read_text("ascii").partition(" ")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unusable(f"{CURRENT}: {error}") from None
    if Path(name).name != name or not name.startswith("gen-"):
        raise Unusable(f"{CURRENT} names {name[:40]!r}")
    try:
        text = (folder / name).read_bytes()
        if hashlib.sha256(text).hexdigest() != digest:
            raise Unusable(f"{name} changed since it was written")
        values = json.loads(text)
        if values.pop("format") != FORMAT:
            raise Unusable(f"{name} is of another format")
        manifest = Manifest(**values)
        for file, fact in manifest.files.items():
            if Path(file).name != file or (folder / file).stat().st_size != fact["bytes"] or "sha256" not in fact:
                raise Unusable(f"{file} has another size than {name} says")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{name}: {error}") from None
    return manifest


def check(folder: Path, manifest: Manifest, besides: str = "") -> None:
    """Raises Unusable for a file whose bytes are not those that were written; those that end in ``besides`` are left
    out."""
    for name, fact in manifest.files.items():
        if besides and name.endswith(besides):
            continue
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Unusable(f"{name}: {error}") from None
        if found != fact["sha256"]:
            raise Unusable(f"{name} changed since it was written")


def leftovers(folder: Path, keep: Manifest | None) -> list[Path]:
    """What no manifest that counts names: of generations before, and of sealings that came to no end."""
    wanted = set() if keep is None else {CURRENT, *keep.files, f"gen-{keep.generation:06d}.json"}
    return [
        file
        for file in folder.glob("*")
        if file.name not in wanted and (file.name.startswith(("gen-", CURRENT)) or file.suffix == ".partial")
    ]


def collect(folder: Path, keep: Manifest | None) -> None:
    """Remove ``leftovers``; everything when nothing is kept. A file that is still mapped goes when it is closed."""
    # What names the others goes first: killed half-way, nothing is left that could be taken for an index.
    for file in sorted(leftovers(folder, keep), key=lambda file: file.name != CURRENT):
        file.unlink(missing_ok=True)
        faults.reach("discard:removed" if keep is None else "seal:collecting")


def sync(folder: Path) -> None:
    """A rename is on the disk when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Hashed:
    """Passes bytes on, and knows how many they were and their hash."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        self._raw.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)
