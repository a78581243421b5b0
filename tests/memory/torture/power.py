"""A model of a disk that loses power: what was flushed is there, what was not may be there, in part or not at all, and
names may have got there without what they name."""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Disk:
    """Watches a folder while something writes there. ``moments`` holds what a loss of power could leave at each step:
    the names and files of the folder, by what happened last."""

    folder: Path
    flushed: dict[int, bytes] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    kept: dict[int, bytes] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    flushes: bool = True
    """False for a disk that says it has flushed and has not."""

    def begin(self) -> None:
        """What is there now is on the disk."""
        self.names = self._listing()
        self.flushed = {inode: (self.folder / name).read_bytes() for name, inode in self.names.items()}

    def watch(self, patched: pytest.MonkeyPatch) -> None:
        fsync, opened, rename, unlink = os.fsync, Path.open, Path.rename, Path.unlink

        def on_fsync(handle: int) -> None:
            fsync(handle)
            if not self.flushes:
                return
            found = os.fstat(handle)
            where = Path(os.readlink(f"/proc/self/fd/{handle}"))
            if stat.S_ISDIR(found.st_mode):
                if where == self.folder:
                    self.names = self._listing()
                    self._note("folder flushed")
            elif where.parent == self.folder:
                self.flushed[found.st_ino] = where.read_bytes()
                self._note(f"{where.name} flushed")

        def on_open(path: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
            file = opened(path, mode, *more, **options)
            if "w" in mode and path.parent == self.folder:
                self.flushed.pop(os.fstat(file.fileno()).st_ino, None)
                self._note(f"{path.name} opened")
            return file

        def on_rename(path: Path, target: Path) -> Path:
            found = rename(path, target)
            self._note(f"{path.name} renamed")
            return found

        def on_unlink(path: Path, missing_ok: bool = False) -> None:
            unlink(path, missing_ok)
            self._note(f"{path.name} unlinked")

        patched.setattr(os, "fsync", on_fsync)
        patched.setattr(Path, "open", on_open)
        patched.setattr(Path, "rename", on_rename)
        patched.setattr(Path, "unlink", on_unlink)

    def _listing(self) -> dict[str, int]:
        return {file.name: file.stat().st_ino for file in self.folder.iterdir()} if self.folder.is_dir() else {}

    def _note(self, what: str) -> None:
        names = self._listing()
        for name, inode in names.items():
            self.kept[inode] = (self.folder / name).read_bytes()
        self.moments.append(Moment(what, dict(self.names), names, dict(self.flushed), dict(self.kept)))


@dataclass
class Moment:
    """Names and contents: those that are surely on the disk, and those that the system holds."""

    what: str
    sure_names: dict[str, int]
    names: dict[str, int]
    sure: dict[int, bytes]
    contents: dict[int, bytes]

    def remains(self, chance: random.Random, more: int = 3) -> Iterator[dict[str, bytes]]:
        """What could be found afterwards: only what is sure; all names with only sure contents; everything; and each
        name by chance, with a part of what was not flushed."""
        for names in (self.sure_names, self.names):
            yield {name: self.sure.get(inode, b"") for name, inode in names.items()}
        yield {name: self.contents[inode] for name, inode in self.names.items()}
        for _ in range(more):
            found: dict[str, bytes] = {}
            for name in {*self.sure_names, *self.names}:
                inode = chance.choice((self.sure_names, self.names)).get(name)
                if inode is not None:
                    content = self.contents.get(inode, b"")
                    found[name] = self.sure.get(inode, content[: chance.randrange(len(content) + 1)])
            yield found


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
