"""ALEN's own folder: what was saved comes back, and a damaged or crafted folder is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from alen.errors import BadInput, CorruptWeights
from alen.neural import load_decoder
from alen.neural.transformer import Transformer
from alen.neural.weights import folder


@pytest.fixture
def kept(decoder: Transformer, tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_text("{}")
    folder.save(decoder, tmp_path / "model", tokenizer=tmp_path, about={"name": "small"}, shard_bytes=80_000)
    return tmp_path / "model"


def edit(kept: Path, change: Any) -> None:
    manifest = json.loads((kept / "alen.json").read_text())
    change(manifest)
    (kept / "alen.json").write_text(json.dumps(manifest))


def test_what_was_saved_comes_back(kept: Path, decoder: Transformer, tokens_BT: Tensor) -> None:
    loaded = folder.load(kept)
    assert torch.equal(loaded.model(tokens_BT), decoder(tokens_BT))
    assert loaded.metadata == {"name": "small"}
    assert len(list(kept.glob("*.safetensors"))) > 1
    assert (kept / "tokenizer.json").read_text() == "{}"
    assert [file.name for file in kept.parent.iterdir() if file.name.startswith(".")] == []
    assert torch.equal(load_decoder(kept).model(tokens_BT), decoder(tokens_BT))


def test_number_format_is_kept_unless_asked_otherwise(decoder: Transformer, tmp_path: Path) -> None:
    folder.save(decoder.bfloat16(), tmp_path / "half")
    assert folder.load(tmp_path / "half").model.embedding.weight.dtype == torch.bfloat16
    assert folder.load(tmp_path / "half", dtype=torch.float32).model.embedding.weight.dtype == torch.float32


def test_saving_again_replaces_and_something_else_is_left_alone(
    kept: Path, decoder: Transformer, tmp_path: Path
) -> None:
    folder.save(decoder, kept)
    assert [file.name for file in kept.glob("*.safetensors")] == ["model.safetensors"]
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("keep")
    with pytest.raises(BadInput, match="new or empty"):
        folder.save(decoder, other)
    assert (other / "notes.txt").read_text() == "keep"


@pytest.mark.parametrize("name", ["config.alen.json", "model-00001-of-00004.safetensors", "tokenizer.json"])
def test_a_changed_byte_is_noticed(kept: Path, name: str) -> None:
    names = [file.name for file in sorted(kept.glob("model*.safetensors"))]
    file = kept / (names[0] if name.startswith("model") else name)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(CorruptWeights, match=f"{file.name}.*changed"):
        folder.load(kept)


@pytest.mark.parametrize("how", ["cut", "longer", "gone"])
def test_a_file_of_another_size_or_none(kept: Path, how: str) -> None:
    file = sorted(kept.glob("*.safetensors"))[-1]
    if how == "gone":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[:-9] if how == "cut" else content + b"\0")
    with pytest.raises(CorruptWeights, match=file.name):
        folder.load(kept)


@pytest.mark.parametrize("name", ["../model/alen.json", "/etc/hostname", "..", "sub/file"])
def test_a_manifest_does_not_lead_out_of_its_folder(kept: Path, name: str) -> None:
    edit(kept, lambda manifest: manifest["files"].update({name: {"bytes": 1, "sha256": ""}}))
    with pytest.raises(CorruptWeights, match="not a file of this folder"):
        folder.load(kept)


def test_a_link_is_not_followed(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (kept / "link").symlink_to(tmp_path / "secret")
    edit(kept, lambda manifest: manifest["files"].update({"link": {"bytes": 1, "sha256": ""}}))
    with pytest.raises(CorruptWeights, match="link"):
        folder.load(kept)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(format=2),
        lambda manifest: manifest.pop("files"),
        lambda manifest: manifest["files"].pop("config.alen.json"),
        lambda manifest: manifest["files"].update({"config.alen.json": {"bytes": "many"}}),
    ],
)
def test_a_manifest_that_says_too_little(kept: Path, change: Any) -> None:
    edit(kept, change)
    with pytest.raises(CorruptWeights, match=r"alen\.json"):
        folder.load(kept)


def test_weights_of_another_shape(kept: Path, decoder: Transformer) -> None:
    config = json.loads((kept / "config.alen.json").read_text())
    config["d_model"] = 128
    (kept / "config.alen.json").write_text(json.dumps(config))
    edit(kept, lambda manifest: manifest["files"].update({"config.alen.json": folder._fact(kept / "config.alen.json")}))
    with pytest.raises(CorruptWeights, match="should be"):
        folder.load(kept)
