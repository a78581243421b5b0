"""Packed weights come back from their file as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alen.neural.native import Format, PackedWeights
from tests.kernels import model


@pytest.mark.parametrize("format", list(Format))
def test_kept_and_found_again(tmp_path: Path, format: Format) -> None:
    of = model(attention={"num_heads": 2, "num_kv_heads": 1, "head_dim": 32, "bias": True}, tie_embeddings=False)
    made, file = PackedWeights.of(of, format), tmp_path / "new" / "weights.safetensors"
    assert PackedWeights.load(file) is None
    made.save(file)
    found = PackedWeights.load(file)
    assert found is not None
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert found.matrices.keys() == made.matrices.keys()
    assert any(matrix.bias is not None for matrix in made.matrices.values())
    for name, matrix in made.matrices.items():
        other = found.matrices[name]
        assert (other.format, other.outputs, other.inputs) == (matrix.format, matrix.outputs, matrix.inputs)
        assert torch.equal(other.data, matrix.data)
        assert (other.bias is None) == (matrix.bias is None)
        assert matrix.bias is None or torch.equal(other.bias, matrix.bias)
    assert all(torch.equal(found.norms[name], norm) for name, norm in made.norms.items())


@pytest.mark.parametrize("kept", [0, 20, 2000])
def test_a_damaged_file_counts_as_none(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "weights.safetensors"
    PackedWeights.of(model()).save(file)
    file.write_bytes(file.read_bytes()[:kept])
    assert PackedWeights.load(file) is None


def test_another_layout_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights.safetensors"
    PackedWeights.of(model()).save(file)
    monkeypatch.setattr("alen.neural.native.packed_weights.LAYOUT", 2)
    assert PackedWeights.load(file) is None
