"""Packed matrices hold what they were made of, whether of numbers or of the blocks of a file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from alen.neural.native import Format, NativeDecoder, Packed, PackedWeights, pack, pack_blocks
from alen.neural.native.packed import interleaved
from alen.neural.paging import Feed
from tests.kernels import loaded_library, model

FILE_KINDS = {
    GGMLQuantizationType.Q8_0: Format.BYTES,
    GGMLQuantizationType.Q4_0: Format.NIBBLES,
    GGMLQuantizationType.Q4_1: Format.NIBBLES,
}


def embedded(matrix: Packed, rows: int) -> torch.Tensor:
    """Rows of a packed matrix as the kernels read them: the embeddings of a model without layers that change them."""
    of = model(
        num_layers=1, vocab_size=matrix.outputs, d_model=matrix.inputs, attention={"num_heads": 2, "head_dim": 32}
    )
    for name, parameter in of.named_parameters():
        if "norm" not in name:
            parameter.zero_()
        else:
            parameter.fill_(1.0)
    weights = PackedWeights.of(of, Format.HALVES, head=Format.HALVES)
    matrices = weights.matrices | {"embedding": matrix}
    made = NativeDecoder(loaded_library(), of.config, matrices, weights.norms, threads=1, cache_tokens=64 * rows)
    found = [made.hidden([Feed(made.begin(), [token])])[0] for token in range(rows)]
    return torch.stack(found)


def normed(rows: torch.Tensor) -> torch.Tensor:
    return rows / (rows.square().mean(-1, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("kind", FILE_KINDS, ids=lambda kind: kind.name)
def test_blocks_of_a_file_are_not_rounded_again(kind: GGMLQuantizationType) -> None:
    numbers = np.random.default_rng(0).normal(size=(40, 64)).astype(np.float32)
    raw = quantize(numbers, kind)
    matrix = pack_blocks(torch.from_numpy(raw).view(40, 2, -1), kind)
    assert (matrix.format, matrix.outputs, matrix.rows) == (FILE_KINDS[kind], 40, 48)
    expected = torch.from_numpy(dequantize(raw, kind))
    torch.testing.assert_close(embedded(matrix, 40), normed(expected), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(("format", "error"), [(Format.HALVES, 0.003), (Format.BYTES, 0.02), (Format.NIBBLES, 0.3)])
def test_numbers_are_rounded_once(format: Format, error: float) -> None:
    numbers = torch.randn(33, 96, generator=torch.Generator().manual_seed(0))
    matrix = pack(numbers, format)
    assert float((embedded(matrix, 33) - normed(numbers)).abs().max()) < error


def test_a_group_of_zeros_stays_zero() -> None:
    numbers = torch.randn(16, 64)
    numbers[:, :32] = 0.0
    for format in Format:
        found = embedded(pack(numbers, format), 16)
        assert float(found[:, :32].abs().max()) == 0.0
        assert bool(found.isfinite().all())


def test_bytes_by_format() -> None:
    numbers = torch.randn(64, 128)
    assert [pack(numbers, format).bytes / numbers.numel() for format in Format] == [2.0, 1.0625, 0.625]


def test_rows_of_gates_and_ups_take_turns() -> None:
    gate, up = torch.arange(32.0)[:, None], torch.arange(100.0, 132.0)[:, None]
    found = interleaved(gate, up)[:, 0].tolist()
    assert found == [*range(16), *range(100, 116), *range(16, 32), *range(116, 132)]
