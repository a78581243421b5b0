"""Finding a model by name or path, describing it, and naming what is wrong with it."""

import json
import struct

import numpy as np
import pytest

from alen.errors import CorruptWeights, ModelNotInstalled, UnknownModel
from alen.models import info, list_models, locate, pull
from alen.models.sources import LocalSource


def safetensors(path, **tensors):
    header, offset = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape)) * (4 if dtype == "F32" else 8)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(offset))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "my-model"
    made.mkdir()
    (made / "config.json").write_text('{"model_type": "llama"}')
    safetensors(made / "model.safetensors", weight=("F32", [3, 4]), ids=("I64", [7]))
    return made


def test_a_known_model_that_is_not_installed(tmp_path):
    with pytest.raises(ModelNotInstalled, match="alen models pull smollm2-135m-instruct"):
        locate("smollm2-135m-instruct", tmp_path)


def test_an_unknown_name_or_path(tmp_path):
    with pytest.raises(UnknownModel, match="all-minilm-l6-v2"):
        locate("all-minilm", tmp_path)
    with pytest.raises(UnknownModel):
        locate(tmp_path / "absent.gguf", tmp_path)
    with pytest.raises(UnknownModel):
        locate(tmp_path, tmp_path)


def test_a_pulled_model_that_was_cut_short(tiny, tiny_folder, tmp_path):
    pulled = pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    (pulled / "config.json").write_bytes(b"{")
    with pytest.raises(CorruptWeights, match=r"config.json has 1 bytes instead of 22.*alen models pull tiny"):
        locate("tiny", tmp_path)
    assert not next(line for line in list_models(tmp_path) if line.name == "tiny").installed


def test_folders_are_told_apart_by_their_config(folder, tmp_path):
    assert locate(folder, tmp_path).kind == "decoder"
    (folder / "config.json").write_text('{"model_type": "bert"}')
    assert locate(str(folder), tmp_path).kind == "encoder"
    (folder / "config.json").write_text("{")
    with pytest.raises(CorruptWeights, match="not a JSON object"):
        locate(folder, tmp_path)


def test_a_lone_gguf_in_a_folder_is_the_model(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    found = locate(tmp_path, tmp_path)
    assert (found.name, found.kind, found.path) == ("m", "decoder", tmp_path / "m.gguf")


def test_fingerprint_follows_content_and_not_place(folder, tmp_path):
    before = locate(folder, tmp_path).fingerprint
    moved = folder.rename(tmp_path / "elsewhere")
    assert locate(moved, tmp_path).fingerprint == before
    (moved / "README.md").write_text("words change nothing")
    assert locate(moved, tmp_path).fingerprint == before
    safetensors(moved / "model.safetensors", weight=("F32", [4, 3]), ids=("I64", [7]))
    assert locate(moved, tmp_path).fingerprint != before


def test_named_and_copied_files_have_one_fingerprint(tiny, tiny_folder, tmp_path):
    pulled = pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    (pulled / "model.safetensors").write_bytes(b"one more")
    assert locate("tiny", tmp_path).fingerprint != locate(pulled, tmp_path).fingerprint
    (pulled / "model.safetensors").unlink()
    (pulled / "sub" / "weights.safetensors").unlink()
    assert locate(pulled, tmp_path).kind == "encoder"


def test_info_counts_parameters(folder, tmp_path):
    described = info(folder, tmp_path).to_json()
    assert described["parameters"] == {"total": 12}
    assert described["format"] == "safetensors"
    (folder / "model.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(CorruptWeights):
        info(folder, tmp_path)


def test_info_of_a_damaged_gguf(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF\x03\x00\x00\x00 and nothing more")
    with pytest.raises(CorruptWeights, match=r"m.gguf is not a readable GGUF file"):
        info(tmp_path / "m.gguf", tmp_path)


def test_info_of_a_named_model_needs_no_files(tmp_path):
    described = info("SmolLM2-135M-instruct", tmp_path)
    assert not described.installed
    assert described.path is None
    assert described.to_json()["parameters"]["total"] == 134_515_008


@pytest.mark.models
def test_real_models(models_home):
    for name, parameters in (("smollm2-135m-instruct", 134_515_008), ("all-minilm-l6-v2", 22_713_216)):
        named = locate(name, models_home)
        by_path = info(named.path, models_home)
        assert by_path.parameters == parameters
        assert by_path.fingerprint == named.fingerprint == info(name, models_home).fingerprint
