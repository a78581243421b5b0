"""A GGUF file in the layout of the kernels computes what its numbers compute in torch."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType as Kind
from gguf.quants import quantize
from torch import Tensor

from alen.errors import CorruptWeights
from alen.neural.native import NativeDecoder
from alen.neural.paging import Feed
from alen.neural.transformer import Transformer
from alen.neural.weights.gguf import load_gguf
from alen.neural.weights.gguf_blocks import load_packed
from tests.kernels import loaded_library, model

TOKENS = torch.randint(0, 96, (80,), generator=torch.Generator().manual_seed(1)).tolist()


def written(folder: Path, of: Transformer, kinds: dict[str, Kind], *, tied: bool = True) -> Path:
    """A file whose tensors are as ``kinds`` says by the end of their names, F32 where it says nothing."""
    config, state = of.config, of.state_dict()
    heads, kv_heads, width = config.attention.num_heads, config.num_kv_heads, config.head_dim
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_context_length(config.max_seq_len)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.hidden_dim)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(width)
    writer.add_layer_norm_rms_eps(config.norm.eps)
    writer.add_token_list([f"w{number}" for number in range(config.vocab_size)])
    tensors: dict[str, Tensor] = {
        "token_embd.weight": state["embedding.weight"],
        "output_norm.weight": state["norm.weight"],
    }
    if not tied:
        tensors["output.weight"] = state["head.weight"]

    def turned(rows: Tensor, count: int) -> Tensor:
        return rows.view(count, 2, len(rows) // count // 2, -1).transpose(1, 2).reshape(rows.shape)

    for layer in range(config.num_layers):
        own, ours = f"blk.{layer}.", f"blocks.{layer}."
        sizes = [heads * width, kv_heads * width, kv_heads * width]
        query, key, value = state[f"{ours}attention.qkv.weight"].split(sizes)
        gate, up = state[f"{ours}ffn.gate_up.weight"].chunk(2)
        tensors |= {
            f"{own}attn_q.weight": turned(query, heads),
            f"{own}attn_k.weight": turned(key, kv_heads),
            f"{own}attn_v.weight": value,
            f"{own}attn_output.weight": state[f"{ours}attention.o.weight"],
            f"{own}attn_norm.weight": state[f"{ours}attention_norm.weight"],
            f"{own}ffn_norm.weight": state[f"{ours}ffn_norm.weight"],
            f"{own}ffn_gate.weight": gate,
            f"{own}ffn_up.weight": up,
            f"{own}ffn_down.weight": state[f"{ours}ffn.down.weight"],
        }
    for name, tensor in tensors.items():
        numbers = tensor.numpy().astype(np.float32)
        kind = next((kind for end, kind in kinds.items() if name.endswith(end)), Kind.F32)
        writer.add_tensor(name, quantize(numbers, kind) if numbers.ndim == 2 else numbers, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "model.gguf"


LAYERS = ("_q.weight", "_k.weight", "_v.weight", "_output.weight", "_gate.weight", "_up.weight", "_down.weight")


@pytest.mark.parametrize(
    ("kinds", "tied"),
    [
        (dict.fromkeys(LAYERS, Kind.Q4_1) | {"embd.weight": Kind.Q8_0}, True),
        (dict.fromkeys(LAYERS, Kind.Q4_0), True),
        (dict.fromkeys(LAYERS, Kind.Q8_0) | {"embd.weight": Kind.Q4_0, "output.weight": Kind.Q8_0}, False),
        (dict.fromkeys(LAYERS, Kind.Q4_1) | {"_v.weight": Kind.Q8_0, "_up.weight": Kind.F16}, True),
    ],
    ids=["Q4_1", "Q4_0", "Q8_0, a head of its own", "kinds that differ within a matrix"],
)
def test_it_computes_what_the_numbers_compute(tmp_path: Path, kinds: dict[str, Kind], tied: bool) -> None:
    file = written(tmp_path, model(vocab_size=96, tie_embeddings=tied), kinds, tied=tied)
    packed = load_packed(file)
    made = NativeDecoder(loaded_library(), packed.config, packed.matrices, packed.norms, threads=2, cache_tokens=1000)
    with torch.inference_mode():
        expected = load_gguf(file).model(torch.tensor([TOKENS]))[0]
    found = made.step([Feed(made.begin(), TOKENS, len(TOKENS))]).logits
    # Activations are rounded to bytes in groups; weights are not rounded again but where kinds differ.
    assert float((found - expected).square().mean().sqrt()) < 0.06 * float(expected.std())


def test_a_file_that_lacks_a_tensor_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, model(vocab_size=96), {})
    data = file.read_bytes().replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_xx.weight")
    file.write_bytes(data)
    with pytest.raises(CorruptWeights, match="ffn_up"):
        load_packed(file)
