"""Safetensors of a folder: read lazily from memory-mapped files, one or several; written whole or in shards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from alen.errors import CorruptWeights

AGAIN = "Copy the folder again."
INDEX = "model.safetensors.index.json"
SHARD_BYTES = 5 * 10**9


class TensorFolder:
    """All tensors of a folder by name; a context manager. Raises CorruptWeights for a file that is missing, damaged
    or named outside of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._where: dict[str, tuple[Path, Any]] = {}

    def __enter__(self) -> TensorFolder:
        for file in _files(self.folder):
            try:
                opened = self._stack.enter_context(safe_open(file, "pt"))
                self._where |= dict.fromkeys(opened.keys(), (file, opened))
            except (SafetensorError, OSError, ValueError) as error:
                self._stack.close()
                raise CorruptWeights(f"{file}: {error}.", AGAIN) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def names(self) -> list[str]:
        return list(self._where)

    def read(self, name: str) -> Tensor:
        if name not in self._where:
            raise CorruptWeights(f"{self.folder}: missing {name}.", AGAIN)
        file, opened = self._where[name]
        try:
            return opened.get_tensor(name)
        except (SafetensorError, OSError, ValueError) as error:
            raise CorruptWeights(f"{file}: {name}: {error}.", AGAIN) from None


def _files(folder: Path) -> list[Path]:
    index = folder / INDEX
    if not index.is_file():
        found = sorted(folder.glob("*.safetensors"))
        if not found:
            raise CorruptWeights(f"{folder}: no .safetensors file.", AGAIN)
        return found
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptWeights(f"{index}: {error}.", AGAIN) from None
    for name in names:
        # An index is data from elsewhere: it may not lead out of its folder.
        if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
            raise CorruptWeights(f"{index}: missing {name}.", AGAIN)
    return [folder / name for name in names]


def write(folder: Path, tensors: Mapping[str, Tensor], shard_bytes: int = SHARD_BYTES) -> None:
    """``model.safetensors``, or shards of at most ``shard_bytes`` with an index where there is more."""
    shards: list[dict[str, Tensor]] = [{}]
    room = shard_bytes
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if size > room and shards[-1]:
            shards.append({})
            room = shard_bytes
        shards[-1][name] = tensor
        room -= size
    if len(shards) == 1:
        save_file(shards[0], folder / "model.safetensors", {"format": "pt"})
        return
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / file, {"format": "pt"})
        places |= dict.fromkeys(shard, file)
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True), "utf-8")
