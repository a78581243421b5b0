"""What is on this machine: finding a model by name or path, naming what is wrong with it, describing it."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen import paths
from alen.errors import CorruptWeights, ModelNotInstalled
from alen.models.registry import REGISTRY, Kind, ModelSpec, unknown

MANIFEST = "alen-model.json"
"""Lies beside the files of a pulled model and says which source they came from."""

_ENCODER_TYPES = {"bert", "distilbert", "mpnet", "roberta", "xlm-roberta"}
_SHAPING_SUFFIXES = (".safetensors", ".gguf")
_OWN_CONFIG = "config.alen.json"
_CONFIGS = ("config.json", _OWN_CONFIG)
_SHAPING_NAMES = {*_CONFIGS, "tokenizer.json", "sentence_bert_config.json", "1_Pooling/config.json"}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that can be loaded: ``path`` is a GGUF file, a Hugging Face style folder or an ALEN one. ``fingerprint``
    changes whenever a file changes that shapes what the model computes, and is the same wherever the same files lie."""

    name: str
    kind: Kind
    path: Path
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A line of ``alen models list``. ``bytes`` on disk; ``source`` says where an installed model came from."""

    name: str
    kind: Kind
    summary: str
    licence: str | None
    installed: bool
    path: str | None
    bytes: int
    parameters: int
    format: str
    source: str | None = None
    fingerprint: str | None = None

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"parameters": {"total": self.parameters}}


def locate(name_or_path: str | Path, home: Path) -> ModelFiles:
    """Find a model's files without any network.

    Raises UnknownModel for what is neither a known name nor a model on disk, ModelNotInstalled for a known name that
    has not been pulled, CorruptWeights when a pulled file is missing or has another size than it should."""
    found = REGISTRY.get(str(name_or_path).strip().lower())
    if found is not None and not _looks_like_path(name_or_path):
        return _locate_named(found, home)
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        ggufs = sorted(path.glob("*.gguf"))
        if not _is_folder(path) and len(ggufs) == 1:
            path = ggufs[0]
    if path.is_file() and path.suffix.lower() == ".gguf":
        return ModelFiles(path.stem, "decoder", path.absolute(), _fingerprint_of([path], path.parent))
    if _is_folder(path):
        return ModelFiles(path.absolute().name, _kind(path), path.absolute(), _fingerprint_of(_shaping(path), path))
    raise unknown(str(name_or_path))


def list_models(home: Path) -> list[ModelInfo]:
    """Every model of the registry, installed or not."""
    return [_named_info(model, home) for model in REGISTRY.values()]


def info(name_or_path: str | Path, home: Path) -> ModelInfo:
    """Describe a model; a name of the registry also when it is not installed. Raises UnknownModel, CorruptWeights."""
    named = REGISTRY.get(str(name_or_path).strip().lower())
    if named is not None and not _looks_like_path(name_or_path):
        return _named_info(named, home)
    files = locate(name_or_path, home)
    is_gguf = files.path.is_file()
    weights = [files.path] if is_gguf else sorted(files.path.glob("*.safetensors"))
    return ModelInfo(
        name=files.name,
        kind=files.kind,
        summary=f"{_layout(files.path)} on this machine",
        licence=None,
        installed=True,
        path=str(files.path),
        bytes=sum(file.stat().st_size for file in weights),
        parameters=_gguf_parameters(files.path) if is_gguf else sum(map(_safetensors_parameters, weights)),
        format="gguf" if is_gguf else "safetensors",
        source="local",
        fingerprint=files.fingerprint,
    )


def damage(model: ModelSpec, folder: Path, *, thorough: bool) -> str | None:
    """What is wrong with a model's files in ``folder``, or None. ``thorough`` reads and hashes every byte."""
    for file in model.files:
        path = folder / file.path
        if not path.is_file():
            return f"{file.path} is missing"
        if path.stat().st_size != file.size:
            return f"{file.path} has {path.stat().st_size:,} bytes instead of {file.size:,}"
        if thorough and (found := sha256(path)) != file.sha256:
            return f"{file.path} has SHA-256 {found[:12]}… instead of {file.sha256[:12]}…"
    return None


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_of(model: ModelSpec, home: Path) -> Path:
    return paths.models_folder(home) / model.name


def _locate_named(model: ModelSpec, home: Path) -> ModelFiles:
    folder = folder_of(model, home)
    if not folder.is_dir():
        raise ModelNotInstalled(
            f"The model {model.name} is not in {folder.parent} yet.", f"Get it with: alen models pull {model.name}"
        )
    wrong = damage(model, folder, thorough=False)
    if wrong is not None:
        raise CorruptWeights(f"{folder}: {wrong}.", f"Get it again with: alen models pull {model.name}")
    return ModelFiles(model.name, model.kind, folder / model.weights, _named_fingerprint(model))


def _named_info(model: ModelSpec, home: Path) -> ModelInfo:
    folder = folder_of(model, home)
    installed = folder.is_dir() and damage(model, folder, thorough=False) is None
    source = None
    if installed and (folder / MANIFEST).is_file():
        source = json.loads((folder / MANIFEST).read_text("utf-8")).get("source")
    return ModelInfo(
        name=model.name,
        kind=model.kind,
        summary=model.summary,
        licence=model.licence,
        installed=installed,
        path=str(folder / model.weights) if installed else None,
        bytes=model.bytes,
        parameters=model.parameters,
        format="gguf" if model.weights.endswith(".gguf") else "safetensors",
        source=source,
        fingerprint=_named_fingerprint(model),
    )


def _layout(path: Path) -> str:
    if path.is_file():
        return "GGUF file"
    return "ALEN folder" if (path / _OWN_CONFIG).is_file() else "Hugging Face style folder"


def _looks_like_path(name_or_path: str | Path) -> bool:
    return isinstance(name_or_path, Path) or any(mark in name_or_path for mark in ("/", "\\"))


def _is_folder(path: Path) -> bool:
    return any((path / name).is_file() for name in _CONFIGS)


def _kind(folder: Path) -> Kind:
    if (folder / _OWN_CONFIG).is_file():
        return "decoder"
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if (folder / "modules.json").is_file() or config.get("model_type") in _ENCODER_TYPES:
            return "encoder"
    except (ValueError, AttributeError) as error:
        raise CorruptWeights(
            f"{folder / 'config.json'} is not a JSON object: {error}.", "Copy the folder again."
        ) from None
    return "decoder"


def _shaping(folder: Path) -> list[Path]:
    files = [path for suffix in _SHAPING_SUFFIXES for path in folder.glob(f"*{suffix}")]
    return sorted([*files, *(folder / name for name in _SHAPING_NAMES if (folder / name).is_file())])


def _named_fingerprint(model: ModelSpec) -> str:
    return _digest(
        (file.path, file.sha256)
        for file in model.files
        if file.path.endswith(_SHAPING_SUFFIXES) or file.path in _SHAPING_NAMES
    )


def _fingerprint_of(files: Iterable[Path], root: Path) -> str:
    pairs = []
    for path in files:
        stat = path.stat()
        pairs.append((path.relative_to(root).as_posix(), _hash_once(path, stat.st_size, stat.st_mtime_ns)))
    return _digest(pairs)


def _digest(pairs: Iterable[tuple[str, str]]) -> str:
    # A lone GGUF may be renamed freely; the files of a folder have fixed names that tell them apart.
    lines = sorted(f"{'gguf' if path.endswith('.gguf') else path}:{digest}" for path, digest in pairs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=64)
def _hash_once(path: Path, size: int, modified: int) -> str:
    return sha256(path)


def _safetensors_parameters(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(stream.read(length))
        return sum(
            math.prod(tensor["shape"])
            for name, tensor in header.items()
            if name != "__metadata__" and tensor["dtype"][0] in "BF"  # integers are index tables, not parameters
        )
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise CorruptWeights(f"{path} is not a readable safetensors file: {error}.", "Copy it again.") from None


def _gguf_parameters(path: Path) -> int:
    from gguf import GGUFReader

    try:
        return sum(int(tensor.n_elements) for tensor in GGUFReader(path).tensors)
    except Exception as error:  # the reader fails in many ways on damaged bytes
        raise CorruptWeights(f"{path} is not a readable GGUF file: {error}.", "Copy it again.") from None
