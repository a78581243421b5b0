"""From a file to what steps texts: kernels on a processor, pages on a GPU, torch for what neither knows."""

from __future__ import annotations

import copy
from ctypes import CDLL
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch

from alen.errors import BadInput
from alen.generation.stepper import Stepper
from alen.neural import gpu
from alen.neural.config import TransformerConfig
from alen.neural.gpu import GpuDecoder
from alen.neural.native import NativeDecoder, PackedWeights, why_not
from alen.neural.packing import pack_for_decoding
from alen.neural.precision import choose_dtype
from alen.neural.transformer import Transformer
from alen.neural.weights import LoadedModel, load_decoder, read_config
from alen.neural.weights.gguf_blocks import load_packed
from alen.neural.weights.lazy import LazyModel

CACHE_TOKENS = 32_768
"""Tokens of all texts together that keys and values are kept of."""

Rounding = Literal["auto", "float32", "bfloat16", "int8", "float8"]
Machine = Literal["auto", "processor"]


class Loaded(NamedTuple):
    """``stepper`` computes in place of the model itself, where there is one, with weights in ``format``."""

    model: LoadedModel | LazyModel
    stepper: Stepper | None
    format: str


def load(path: Path, dtype: Rounding, library: CDLL | None, on: Machine = "auto") -> Loaded:
    """``library`` are the compiled kernels, if there are any. Raises CorruptWeights, BadInput."""
    if dtype not in (known := get_args(Rounding)):
        raise BadInput("dtype", repr(dtype), ", ".join(known), "auto fits the machine.")
    config, device = read_config(path), find_gpu() if on == "auto" else None
    if device is not None and gpu.why_not(config) is None:
        return _on_gpu(path, config, dtype, device)
    if dtype == "auto" and library is not None and why_not(config) is None:
        return _on_kernels(path, library)
    if dtype == "int8" or dtype == "float8":
        others = "auto, float32 or bfloat16"
        raise BadInput(
            "dtype", f"{dtype!r} without a GPU", others, "On a processor auto has weights of a byte or less."
        )
    loaded, precision = load_decoder(path), choose_dtype(dtype)
    if precision == torch.bfloat16:
        pack_for_decoding(loaded.model, precision)
    return Loaded(loaded, None, str(precision).removeprefix("torch."))


def remade(path: Path, like: Stepper | None, model: Transformer, first: int) -> Stepper | None:
    """What steps ``model``, whose layers from ``first`` on are not those of the file any more, as ``like`` stepped the
    file: on kernels what has changed is rounded to bytes, and the rest stays as it was. None where nothing but the
    model itself can."""
    if isinstance(like, NativeDecoder):
        new = PackedWeights.of(model)
        matrices, norms = new.matrices, new.norms
        if path.is_file():
            old = load_packed(path)
            changed = tuple(f"blocks.{layer}." for layer in range(first, model.config.num_layers))
            matrices = {n: m if n.startswith(changed) else old.matrices[n] for n, m in matrices.items()}
        threads = torch.get_num_threads()
        return NativeDecoder(like.library, model.config, matrices, norms, threads=threads, cache_tokens=CACHE_TOKENS)
    if isinstance(like, GpuDecoder):
        return GpuDecoder(copy.deepcopy(model), cache_tokens=CACHE_TOKENS, format=like.format, device=like.device)
    return None


def find_gpu() -> torch.device | None:
    return torch.device("cuda") if torch.cuda.is_available() else None


def _on_kernels(path: Path, library: CDLL) -> Loaded:
    threads = torch.get_num_threads()
    if path.is_file():
        packed = load_packed(path)
        config, metadata = packed.config, packed.metadata
        decoder = NativeDecoder(
            library, config, packed.matrices, packed.norms, threads=threads, cache_tokens=CACHE_TOKENS
        )
    else:
        loaded = load_decoder(path)
        config, metadata = loaded.config, loaded.metadata
        decoder = NativeDecoder.of(library, loaded.model, threads=threads, cache_tokens=CACHE_TOKENS)
    return Loaded(LazyModel(config, metadata, lambda: load_decoder(path).model), decoder, decoder.format)


def _on_gpu(path: Path, config: TransformerConfig, dtype: Rounding, device: torch.device) -> Loaded:
    """Weights in bfloat16 unless another format is asked for. The model in torch is left to the processor."""
    loaded = load_decoder(path)
    number = torch.float32 if dtype == "float32" else torch.bfloat16
    decoder = GpuDecoder(
        loaded.model,
        cache_tokens=CACHE_TOKENS,
        format=dtype if dtype == "int8" or dtype == "float8" else "bfloat16",
        device=device,
        dtype=number,
    )
    lazy = LazyModel(config, loaded.metadata, lambda: load_decoder(path).model)
    return Loaded(lazy, decoder, "float32" if dtype == "float32" else decoder.format)
