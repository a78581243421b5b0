"""Vectors of the kernels beside torch, and the same bit for bit whatever else is embedded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.native import EncoderWeights, NativeEncoder, why_no_encoder
from alen.neural.torch_encoder import TorchEncoder
from alen.neural.transformer import Transformer
from tests import kernels

LENGTHS = (1, 2, 15, 16, 17, 31, 32, 33, 64, 65, 100, 256, 3, 290)
TEXTS = [np.random.default_rng(length).integers(0, 100, length).tolist() for length in LENGTHS]


def model(**changed: Any) -> Transformer:
    shape: dict[str, Any] = {
        "vocab_size": 100,
        "d_model": 64,
        "num_layers": 3,
        "max_seq_len": 300,
        "token_types": 2,
        "language_head": False,
        "attention": {"variant": "mha", "num_heads": 2, "mask_type": "bidirectional", "bias": True},
        "positional": {"encoding": "learned"},
        "ffn": {"variant": "mlp", "activation": "gelu", "hidden_dim": 160, "bias": True},
        "norm": {"type": "layernorm", "placement": "post"},
    }
    torch.manual_seed(0)
    made = Transformer(TransformerConfig.parse(shape | changed)).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.mul_(3.0).add_(0.05 * torch.randn_like(parameter))
    return made


def encoder(of: Transformer, threads: int = 2) -> NativeEncoder:
    library = kernels.loaded_library()
    if not library.alen_encodes():
        pytest.skip("needs AVX2 or more")
    return NativeEncoder(library, EncoderWeights.of(of), threads=threads)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"attention": {"variant": "mha", "num_heads": 1, "mask_type": "bidirectional", "bias": True}},
        {"d_model": 96, "attention": {"variant": "mha", "num_heads": 3, "mask_type": "bidirectional", "bias": True}},
        {"token_types": 0, "num_layers": 1},
    ],
    ids=["two heads", "one wide head", "three heads", "no token types"],
)
def test_vectors_are_those_of_torch_but_for_rounding(changed: dict) -> None:
    of = model(**changed)
    found, expected = encoder(of).embed(TEXTS), TorchEncoder(of).embed(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert float((found * expected).sum(1).min()) > 0.9995
    others = np.abs(expected @ expected.T - np.eye(len(TEXTS)))
    assert float(others.min()) < 0.99  # texts differ, so that being near the right one says something


def test_rows_do_not_mix() -> None:
    of = model()
    together = encoder(of).embed(TEXTS)
    one_thread = encoder(of, threads=1)
    np.testing.assert_array_equal(np.concatenate([one_thread.embed([text]) for text in TEXTS]), together)
    np.testing.assert_array_equal(encoder(of, threads=3).embed(TEXTS[::-1])[::-1], together)
    many = TEXTS * 20
    np.testing.assert_array_equal(encoder(of).embed(many), np.tile(together, (20, 1)))


def test_no_texts() -> None:
    assert encoder(model()).embed([]).shape == (0, 64)


@pytest.mark.parametrize(
    ("texts", "says"),
    [([[]], "1 to 300"), ([[1] * 301], "1 to 300"), ([[1], [100]], "0 to 99"), ([[-1]], "0 to 99")],
    ids=["empty", "too long", "past the vocabulary", "negative"],
)
def test_wrong_texts(texts: list, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        encoder(model()).embed(texts)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"positional": {"encoding": "rope"}}, "not learned"),
        ({"norm": {"type": "layernorm", "placement": "pre"}}, "LayerNorm after"),
        ({"ffn": {"variant": "mlp", "activation": "relu", "hidden_dim": 160, "bias": True}}, "GELU"),
        ({"ffn": {"variant": "mlp", "activation": "gelu", "hidden_dim": 168, "bias": True}}, "168"),
        ({"attention": {"variant": "mha", "num_heads": 2, "mask_type": "bidirectional"}}, "biases"),
        ({"attention": {"variant": "mha", "num_heads": 4, "mask_type": "bidirectional", "bias": True}}, "heads of 16"),
        ({"attention": {"variant": "mha", "num_heads": 2, "bias": True}}, "causal"),
    ],
)
def test_what_they_do_not_know_is_refused(changed: dict, what: str) -> None:
    of = model(**changed)
    assert what in (why_no_encoder(of.config) or "")
    with pytest.raises(BadInput, match=what):
        EncoderWeights.of(of)


def test_weights_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, file = EncoderWeights.of(model()), tmp_path / "folder" / "kept.safetensors"
    assert EncoderWeights.load(file) is None
    made.save(file)
    again = EncoderWeights.load(file)
    assert again is not None
    assert again.shape == made.shape
    assert again.arrays.keys() == made.arrays.keys()
    for name, array in again.arrays.items():
        assert array.ctypes.data % 64 == 0
        np.testing.assert_array_equal(array, made.arrays[name])
    monkeypatch.setattr("alen.neural.native.encoder_weights.LAYOUT", 2)
    assert EncoderWeights.load(file) is None
    file.write_bytes(file.read_bytes()[:1000])
    assert EncoderWeights.load(file) is None
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_weights_are_rounded_as_torch_rounds(tmp_path: Path) -> None:
    of = model()
    packed = EncoderWeights.of(of).arrays["0.up"]
    weight_NM = of.blocks[0].ffn.gate_up.weight.to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    np.testing.assert_array_equal(packed[2, 5, 7], weight_NM[2 * 16 + 7, 10:12])
    np.testing.assert_array_equal(packed.swapaxes(1, 2).reshape(weight_NM.shape), weight_NM)
