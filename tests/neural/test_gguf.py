"""GGUF files: every number exact, and no damaged file passes for a good one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType as Kind
from gguf.quants import _type_traits
from torch import Tensor
from torch.testing import assert_close

from alen.errors import AlenError, BadInput, CorruptWeights
from alen.neural import load_decoder
from alen.neural.config import TransformerConfig
from alen.neural.positions import frequencies
from alen.neural.transformer import Transformer
from alen.neural.weights.dequantise import dequantise
from alen.neural.weights.gguf import half_split
from alen.neural.weights.gguf_header import read_header
from tests.neural.conftest import DECODER, random_model

WORDS = [f"wörd{number}" for number in range(DECODER.vocab_size)]
FIELDS: dict[str, Any] = {
    "llama.context_length": DECODER.max_seq_len,
    "llama.embedding_length": DECODER.d_model,
    "llama.block_count": DECODER.num_layers,
    "llama.feed_forward_length": DECODER.hidden_dim,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
}


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """As the converters of GGUF files write q and k: the halves of each head in turns, row by row."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def tensors_of(model: Transformer) -> dict[str, Tensor]:
    state = model.state_dict()
    tensors = {"token_embd.weight": state["embedding.weight"], "output_norm.weight": state["norm.weight"]}
    for layer in range(DECODER.num_layers):
        ours, theirs = f"blocks.{layer}.", f"blk.{layer}."
        query, key, value = state[ours + "attention.qkv.weight"].split([64, 32, 32])
        gate, up = state[ours + "ffn.gate_up.weight"].chunk(2)
        tensors |= {
            theirs + "attn_q.weight": interleaved(query, 4),
            theirs + "attn_k.weight": interleaved(key, 2),
            theirs + "attn_v.weight": value,
            theirs + "attn_output.weight": state[ours + "attention.o.weight"],
            theirs + "attn_norm.weight": state[ours + "attention_norm.weight"],
            theirs + "ffn_norm.weight": state[ours + "ffn_norm.weight"],
            theirs + "ffn_gate.weight": gate,
            theirs + "ffn_up.weight": up,
            theirs + "ffn_down.weight": state[ours + "ffn.down.weight"],
        }
    return tensors


def write(path: Path, tensors: dict[str, Tensor], architecture: str = "llama", **extra: int | float | str) -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    for name, number in FIELDS.items():
        writer.add_uint32(name.replace("llama", architecture), number)
    for name, value in extra.items():
        key = name.replace("__", ".")
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        else:
            writer.add_uint32(key, value)
    writer.add_float32(f"{architecture}.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_array("tokenizer.ggml.tokens", WORDS)
    writer.add_array("tokenizer.ggml.token_type", [1] * len(WORDS))
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor.numpy().copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def tensors(decoder: Transformer) -> dict[str, Tensor]:
    return tensors_of(decoder)


@pytest.fixture
def file(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    return write(tmp_path / "tiny.gguf", tensors)


def test_file_gives_back_the_model(file: Path, decoder: Transformer, tokens_BT: Tensor) -> None:
    loaded = load_decoder(file)
    assert loaded.config.num_kv_heads == DECODER.num_kv_heads
    assert loaded.config.norm.eps == pytest.approx(DECODER.norm.eps)
    assert torch.equal(loaded.model(tokens_BT), decoder(tokens_BT))
    assert loaded.metadata["tokenizer.ggml.tokens"] == WORDS
    assert loaded.metadata["general.architecture"] == "llama"


def test_weights_outlive_the_file(file: Path, decoder: Transformer, tokens_BT: Tensor) -> None:
    loaded = load_decoder(file)
    file.write_bytes(b"")
    assert torch.equal(loaded.model(tokens_BT), decoder(tokens_BT))


def test_bfloat16_is_the_rounded_float32(file: Path) -> None:
    exact, rounded = load_decoder(file).model.state_dict(), load_decoder(file, dtype=torch.bfloat16).model.state_dict()
    assert all(torch.equal(tensor.bfloat16(), rounded[name]) for name, tensor in exact.items())


def test_own_output_matrix(tmp_path: Path, tensors: dict[str, Tensor], tokens_BT: Tensor) -> None:
    tensors["output.weight"] = tensors["token_embd.weight"].flip(0).contiguous()
    loaded = load_decoder(write(tmp_path / "untied.gguf", tensors))
    assert not loaded.config.tie_embeddings
    plain = random_model(DECODER)(tokens_BT)
    assert_close(loaded.model(tokens_BT), plain.flip(-1))


def test_half_split_gathers_each_half_of_a_head() -> None:
    rows = torch.tensor([[0.0], [2.0], [1.0], [3.0], [10.0], [12.0], [11.0], [13.0]])
    assert half_split(rows, 2).flatten().tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    weight = torch.randn(24, 5)
    assert torch.equal(half_split(interleaved(weight, 3), 3), weight)


@pytest.mark.parametrize("kind", [Kind.Q4_0, Kind.Q4_1, Kind.Q8_0, Kind.Q5_1, Kind.F16, Kind.F32, Kind.BF16])
def test_blocks_to_numbers_exactly_as_the_reference(kind: Kind) -> None:
    values = np.random.default_rng(0).normal(size=(48, 96)).astype(np.float32)
    raw = gguf.quantize(values, kind)
    bytes_ = torch.from_numpy(np.ascontiguousarray(raw).view(np.uint8).reshape(-1).copy())
    expected = torch.from_numpy(gguf.dequantize(raw, kind).astype(np.float32).reshape(48, 96))
    assert torch.equal(dequantise(bytes_, kind, (48, 96), torch.float32), expected)
    assert torch.equal(dequantise(bytes_, kind, (48, 96), torch.bfloat16), expected.bfloat16())


def test_header_as_the_reference_reads_it(file: Path) -> None:
    reference, ours = gguf.GGUFReader(file), read_header(file.read_bytes())
    fields = {name: field.contents() for name, field in reference.fields.items() if not name.startswith("GGUF.")}
    assert ours.metadata == fields
    assert {name: (place.shape, place.kind, place.start, place.size) for name, place in ours.tensors.items()} == {
        tensor.name: (tuple(map(int, reversed(tensor.shape))), tensor.tensor_type, tensor.data_offset, tensor.n_bytes)
        for tensor in reference.tensors
    }


@pytest.mark.parametrize("keep", [0.0, 0.0001, 0.01, 0.02, 0.05, 0.3, 0.9, 0.9999])
def test_truncated_file(file: Path, keep: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(CorruptWeights, match=r"tiny\.gguf"):
        load_decoder(file)


def test_bytes_of_something_else(tmp_path: Path) -> None:
    for place, content in enumerate((b"PK\x03\x04" * 99, b"GGUF", b"GGUF" + b"\xff" * 400, b"GGUF" + bytes(400))):
        path = tmp_path / f"{place}.gguf"
        path.write_bytes(content)
        with pytest.raises(CorruptWeights):
            load_decoder(path)


def test_flipped_bytes_in_the_header_are_named_or_harmless(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    begin = min(place.start for place in read_header(content).tensors.values())
    draw, refused = random.Random(0), 0
    for number in range(300):
        damaged = bytearray(content)
        damaged[draw.randrange(begin)] ^= 1 << draw.randrange(8)
        path = tmp_path / f"damaged{number}.gguf"
        path.write_bytes(damaged)
        try:
            load_decoder(path)
        except AlenError:
            refused += 1
        path.unlink()
    assert refused > 100


@pytest.mark.parametrize("name", ["token_embd.weight", "output_norm.weight", "blk.2.attn_k.weight"])
def test_missing_tensor(tmp_path: Path, tensors: dict[str, Tensor], name: str) -> None:
    del tensors[name]
    with pytest.raises(CorruptWeights, match=f"missing {name}"):
        load_decoder(write(tmp_path / "lacking.gguf", tensors))


def test_tensor_of_another_shape(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    tensors["blk.1.attn_q.weight"] = tensors["blk.1.attn_q.weight"][:, :32].contiguous()
    with pytest.raises(CorruptWeights, match=r"blk\.1\.attn_q\.weight is \(64, 32\), should be \(64, 64\)"):
        load_decoder(write(tmp_path / "bent.gguf", tensors))


def variant(**changes: Any) -> TransformerConfig:
    """The decoder with other options of attention or positions."""
    data = DECODER.model_dump()
    for part, values in changes.items():
        data[part] |= values
    return TransformerConfig.parse(data)


@pytest.mark.parametrize("architecture", ["qwen2", "qwen3"])
def test_qwen_keeps_its_rows_and_has_biases_or_norms(tmp_path: Path, tokens_BT: Tensor, architecture: str) -> None:
    model = random_model(variant(attention={"qkv_bias": architecture == "qwen2", "qk_norm": architecture == "qwen3"}))
    state, tensors = model.state_dict(), tensors_of(model)
    for layer in range(DECODER.num_layers):
        ours, theirs = f"blocks.{layer}.attention.", f"blk.{layer}.attn_"
        query, key, _ = state[ours + "qkv.weight"].split([64, 32, 32])
        tensors |= {theirs + "q.weight": query, theirs + "k.weight": key}
        if architecture == "qwen2":
            parts = state[ours + "qkv.bias"].split([64, 32, 32])
            tensors |= {f"{theirs}{name}.bias": part for name, part in zip("qkv", parts, strict=True)}
        else:
            tensors[theirs + "q_norm.weight"] = state[ours + "query_norm.weight"]
            tensors[theirs + "k_norm.weight"] = state[ours + "key_norm.weight"]
    loaded = load_decoder(write(tmp_path / "qwen.gguf", tensors, architecture))
    assert torch.equal(loaded.model(tokens_BT), model(tokens_BT))


def test_linear_scaling(tmp_path: Path, tokens_BT: Tensor) -> None:
    model = random_model(variant(positional={"rope_scaling": 4.0}))
    extra = {"llama__rope__scaling__type": "linear", "llama__rope__scaling__factor": 4.0}
    loaded = load_decoder(write(tmp_path / "long.gguf", tensors_of(model), **extra))
    assert torch.equal(loaded.model(tokens_BT), model(tokens_BT))


def test_frequencies_of_llama_3(tmp_path: Path, tokens_BT: Tensor) -> None:
    config = variant(positional={"rope_base": 500000.0, "rope_scaling": {"factor": 32.0}})
    model, plain = random_model(config), variant(positional={"rope_base": 500000.0})
    divisors = (frequencies(16, plain.positional) / frequencies(16, config.positional)).float()
    extra = {"llama__rope__freq_base": 500000.0}
    tensors = {**tensors_of(model), "rope_freqs.weight": divisors}
    loaded = load_decoder(write(tmp_path / "llama3.gguf", tensors, **extra))
    assert loaded.config.positional == config.positional
    assert torch.equal(loaded.model(tokens_BT), model(tokens_BT))
    tensors["rope_freqs.weight"] = divisors.flip(0).contiguous()
    with pytest.raises(BadInput, match="of its own making"):
        load_decoder(write(tmp_path / "odd.gguf", tensors, **extra))


@pytest.mark.parametrize("kind", sorted(_type_traits, key=lambda kind: kind.name))
def test_every_kind_that_the_reference_knows(kind: Kind) -> None:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    raw = np.random.default_rng(0).integers(0, 60, size=(6, 4 * size), dtype=np.uint8)
    expected = torch.from_numpy(gguf.dequantize(raw, kind).astype(np.float32))
    found = dequantise(torch.from_numpy(raw).flatten(), kind, (6, 4 * block), torch.float32)
    assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_tensor_that_no_plain_llama_has(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    tensors["blk.0.attn_q.bias"] = torch.zeros(64)
    with pytest.raises(BadInput, match=r"blk\.0\.attn_q\.bias"):
        load_decoder(write(tmp_path / "biased.gguf", tensors))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"llama__rope__scaling__type": "yarn"}, "scaled by yarn"),
        ({"llama__rope__dimension_count": 8}, "part of each head"),
        ({"llama__expert_count": 8}, "experts"),
    ],
)
def test_option_that_is_not_supported(
    tmp_path: Path, tensors: dict[str, Tensor], extra: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        load_decoder(write(tmp_path / "optional.gguf", tensors, **extra))


def test_architecture_that_is_not_supported(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    with pytest.raises(BadInput, match="GGUF of mamba"):
        load_decoder(write(tmp_path / "mamba.gguf", tensors, architecture="mamba"))


def test_path_that_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="model"):
        load_decoder(tmp_path / "absent.gguf")
