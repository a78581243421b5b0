"""A decoder of thoughts on the disk: safetensors, its tokenizer, and one JSON file with the hash of each.

A folder appears whole or not at all, and is checked before a number of it is used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from alen.errors import BadInput, CorruptWeights
from alen.generation.latent_decoder import FittedDecoder
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.config import TransformerConfig
from alen.neural.weights import folder as weights
from alen.text.compact_vocabulary import CompactVocabulary
from alen.text.tokenizer import Tokenizer

MANIFEST = "decoder.json"
FORMAT = 1
_WEIGHTS = "model.safetensors"
_FILES = {_WEIGHTS, "tokenizer.json", "tokenizer_config.json"}
_AGAIN = "Copy the folder again, or fit the decoder anew."


def save(decoder: FittedDecoder, folder: Path) -> str:
    """Write it; the digest of its manifest. One that is there is replaced once the new one is complete. Raises BadInput
    when something else is there."""
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("folder", str(folder), "a new or empty folder, or one of a decoder", "Choose another place.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        state = {name: tensor.detach().contiguous() for name, tensor in decoder.model.state_dict().items()}
        save_file(state, partial / _WEIGHTS, {"format": "pt"})
        decoder.tokenizer.save(partial)
        manifest = {
            "format": FORMAT,
            "thought_dim": decoder.model.condition_dim,
            "prefix": decoder.model.prefix,
            "space": decoder.space,
            "config": decoder.model.config.model_dump(mode="json"),
            "tokens": list(decoder.vocabulary.tokens),
            "about": decoder.about,
            "files": {file.name: _fact(file) for file in sorted(partial.iterdir())},
        }
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
        digest = hashlib.sha256((partial / MANIFEST).read_bytes()).hexdigest()
        weights.put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return digest


def load(folder: Path) -> FittedDecoder:
    """Raises CorruptWeights naming the file that is missing, changed or of another kind."""
    file = folder / MANIFEST
    manifest = weights.read_json(file)
    if manifest.get("format") != FORMAT:
        raise CorruptWeights(f"{file}: format {manifest.get('format')!r}, this version reads {FORMAT}.", "Update ALEN.")
    files = manifest.get("files")
    if not isinstance(files, dict) or files.keys() != _FILES:
        raise CorruptWeights(f"{file}: does not name {', '.join(sorted(_FILES))}.", _AGAIN)
    try:
        weights.verify(folder, manifest)
        vocabulary = CompactVocabulary(tuple(manifest["tokens"]))
        config = TransformerConfig.parse(manifest["config"])
        model = ConditionedTransformer(config, manifest["thought_dim"], manifest["prefix"])
        _fill(model, folder / _WEIGHTS)
        tokenizer = Tokenizer.from_folder(folder)
        return FittedDecoder(model, vocabulary, tokenizer, str(manifest["space"]), manifest["about"])
    except (KeyError, TypeError, BadInput) as error:
        raise CorruptWeights(f"{file}: {error}.", _AGAIN) from None


def digest_of(folder: Path) -> str | None:
    """SHA-256 of the manifest, which names that of each file; None where there is no decoder."""
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return None


def _fill(model: ConditionedTransformer, file: Path) -> None:
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise CorruptWeights(f"{file}: {error}.", _AGAIN) from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CorruptWeights(f"{file}: holds what is no number.", _AGAIN)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CorruptWeights(f"{file}: {str(error).splitlines()[-1].strip()}", _AGAIN) from None


def _fact(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
