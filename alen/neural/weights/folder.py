"""ALEN's own folder: configuration, safetensors, tokenizer, and a manifest with the hash of each file.

The manifest is checked against the files before a byte of weights is read, and a folder appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from alen.errors import BadInput, CorruptWeights
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.weights import tensor_files
from alen.neural.weights.loaded import LoadedModel, build

MANIFEST = "alen.json"
FORMAT = 1
_CONFIG = "config.alen.json"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
_AGAIN = "Copy the folder again."
LONGEST_JSON = 64 * 2**20


def is_alen_folder(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def save(
    model: Transformer,
    folder: Path,
    *,
    tokenizer: Path | None = None,
    about: dict[str, Any] | None = None,
    shard_bytes: int = tensor_files.SHARD_BYTES,
) -> None:
    """Write ``model`` in its own number format, with a copy of the files of the ``tokenizer`` in a folder; the manifest
    keeps ``about``. A folder that is there is replaced once the new one is complete. Raises BadInput when something
    else is there."""
    if folder.exists() and not is_alen_folder(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("folder", str(folder), "a new or empty folder, or one of ALEN's", "Choose another place.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        state = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
        tensor_files.write(partial, state, shard_bytes)
        (partial / _CONFIG).write_text(json.dumps(model.config.model_dump(mode="json"), indent=1) + "\n", "utf-8")
        if tokenizer is not None:
            for file in filter(Path.is_file, (tokenizer / name for name in _TOKENIZER)):
                shutil.copyfile(file, partial / file.name)
        files = {file.name: _fact(file) for file in sorted(partial.iterdir())}
        manifest = {"format": FORMAT, "about": about or {}, "files": files}
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
        put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load(folder: Path, *, dtype: torch.dtype | None = None) -> LoadedModel:
    """The model in evaluation mode, in ``dtype`` or as it was saved; ``metadata`` is what the manifest says about it.

    Raises CorruptWeights naming the file that is missing, changed, of another size or outside of the folder."""
    manifest = read_manifest(folder)
    verify(folder, manifest)
    config = TransformerConfig.parse(read_json(folder / _CONFIG))
    tensors: dict[str, torch.Tensor] = {}
    for name in sorted(manifest["files"]):
        if name.endswith(".safetensors"):
            try:
                tensors |= load_file(folder / name)
            except (SafetensorError, OSError, ValueError) as error:
                raise CorruptWeights(f"{folder / name}: {error}.", _AGAIN) from None
    kept = dtype or next(iter(tensors.values()), torch.empty(0)).dtype
    return LoadedModel(build(config, tensors, kept, str(folder)), config, manifest.get("about", {}))


def read_config(folder: Path) -> TransformerConfig:
    """Without its weights. Raises CorruptWeights, BadInput."""
    return TransformerConfig.parse(read_json(folder / _CONFIG))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises CorruptWeights unless it is one of ours and names plain files of its folder."""
    file = folder / MANIFEST
    manifest = read_json(file)
    if manifest.get("format") != FORMAT:
        raise CorruptWeights(f"{file}: format {manifest.get('format')!r}, this version reads {FORMAT}.", "Update ALEN.")
    files = manifest.get("files")
    if not isinstance(files, dict) or _CONFIG not in files:
        raise CorruptWeights(f"{file}: names no {_CONFIG}.", _AGAIN)
    for name, fact in files.items():
        # A manifest is data from elsewhere: it may not lead out of its folder.
        if Path(name).name != name or name in {"", ".", ".."} or (folder / name).is_symlink():
            raise CorruptWeights(f"{file}: {name!r} is not a file of this folder.", "Use a folder that you trust.")
        if not isinstance(fact, dict) or not isinstance(fact.get("bytes"), int) or "sha256" not in fact:
            raise CorruptWeights(f"{file}: {name!r} lacks its size or hash.", _AGAIN)
    return manifest


def verify(folder: Path, manifest: dict[str, Any]) -> None:
    """Raises CorruptWeights for the first file that is not as the manifest says, sizes before hashes."""
    for name, fact in manifest["files"].items():
        file = folder / name
        size = file.stat().st_size if file.is_file() else None
        if size is None:
            raise CorruptWeights(f"{file}: missing.", _AGAIN)
        if size != fact["bytes"]:
            raise CorruptWeights(f"{file}: {size:,} bytes, should be {fact['bytes']:,}.", _AGAIN)
    for name, fact in manifest["files"].items():
        if _fact(folder / name)["sha256"] != fact["sha256"]:
            raise CorruptWeights(f"{folder / name}: changed since it was written.", _AGAIN)


def _fact(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        return {
            "bytes": os.fstat(content.fileno()).st_size,
            "sha256": hashlib.file_digest(content, "sha256").hexdigest(),
        }


def read_json(file: Path) -> dict[str, Any]:
    """Raises CorruptWeights for what is no object, or too long to be one of ours."""
    try:
        if file.stat().st_size > LONGEST_JSON:
            raise ValueError(f"{file.stat().st_size:,} bytes are too many")
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptWeights(f"{file}: {error}.", _AGAIN) from None
    if not isinstance(found, dict):
        raise CorruptWeights(f"{file}: not an object.", _AGAIN)
    return found


def put_in_place(partial: Path, folder: Path) -> None:
    """A complete folder where another one may be, which goes."""
    old = partial.with_name(partial.name + ".old")
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
