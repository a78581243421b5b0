"""The weights of an encoder as its kernels read them: made of a model, kept in a file, read again without torch.

Axes: N output and M input features, T positions, V words, D model.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.native.keeping import replaced
from alen.neural.native.sizes import GROUP, LANES

if TYPE_CHECKING:
    from alen.neural.transformer import Transformer

MATRICES = ("qkv", "o", "up", "down")
NORMS = ("attention", "ffn")
TABLES = ("words", "positions", "scale", "shift")
LAYOUT = 1
"""Of what ``save`` writes; another number is another layout."""

_MODULES = ("attention.qkv", "attention.o", "ffn.gate_up", "ffn.down")
_LINE = 64


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Sizes of an encoder. ``positions`` is the longest text in tokens."""

    layers: int
    width: int
    heads: int
    inner: int
    words: int
    positions: int
    eps: float


@dataclass(frozen=True)
class EncoderWeights:
    """``arrays`` has, for each layer, ``0.qkv`` (a matrix, uint16 with the bits of bfloat16) with ``0.qkv_bias``, and
    ``0.attention_scale`` with ``0.attention_shift``; and the tables ``words`` and ``positions`` with the norm over
    their sum. Each begins with a line of the caches."""

    shape: EncoderShape
    arrays: dict[str, np.ndarray]

    @classmethod
    def of(cls, model: Transformer) -> EncoderWeights:
        """Of a model in float32. Raises BadInput for one that the kernels do not know."""
        config = model.config
        refused = why_no_encoder(config)
        if refused is not None:
            raise BadInput("model", refused, "what the kernels know", "Let torch compute it.")
        state = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
        arrays: dict[str, np.ndarray] = {}
        for layer in range(config.num_layers):
            for name, module in zip(MATRICES, _MODULES, strict=True):
                at = f"blocks.{layer}.{module}"
                weight_NM, bias_N = state[f"{at}.weight"], state[f"{at}.bias"]
                if name == "qkv":
                    weight_NM, bias_N = _for_powers_of_two(weight_NM, bias_N, config)
                arrays |= {f"{layer}.{name}": _tiles(weight_NM), f"{layer}.{name}_bias": bias_N}
            for name in NORMS:
                at = f"blocks.{layer}.{name}_norm"
                arrays |= {
                    f"{layer}.{name}_scale": state[f"{at}.weight"],
                    f"{layer}.{name}_shift": state[f"{at}.bias"],
                }
        positions_TD = state["position_embedding.weight"]
        if "type_embedding.weight" in state:
            positions_TD = positions_TD + state["type_embedding.weight"][0]
        tables = (state["embedding.weight"], positions_TD, state["norm.weight"], state["norm.bias"])
        arrays |= dict(zip(TABLES, tables, strict=True))
        shape = EncoderShape(
            config.num_layers,
            config.d_model,
            config.attention.num_heads,
            config.hidden_dim,
            config.vocab_size,
            config.max_seq_len,
            config.norm.eps,
        )
        return cls(shape, {name: _in_lines(array) for name, array in arrays.items()})

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        with replaced(path) as partial:
            save_file(self.arrays, partial, metadata={"shape": json.dumps(asdict(self.shape)), "layout": str(LAYOUT)})

    @classmethod
    def load(cls, path: Path) -> EncoderWeights | None:
        """None where there is no such file, or a damaged one: it can be made again."""
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata()
                if metadata["layout"] != str(LAYOUT):
                    return None
                arrays = {name: _in_lines(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a dict
            return cls(EncoderShape(**json.loads(metadata["shape"])), arrays)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None


def why_no_encoder(config: TransformerConfig) -> str | None:
    """What of a model the kernels do not know; None when they can compute it."""
    attention = config.attention
    norm, inner = (config.norm.type, config.norm.placement), (config.ffn.variant, config.ffn.activation)
    wrong = {
        f"{attention.mask_type} attention": attention.mask_type != "bidirectional",
        "positions that are not learned": config.positional.encoding != "learned",
        "a norm that is not LayerNorm after each part": norm != ("layernorm", "post"),
        "a feed-forward that is not an MLP with GELU": inner != ("mlp", "gelu"),
        "parts without biases": not (config.ffn.bias and attention.bias and config.qkv_bias),
        "heads that share keys": config.num_kv_heads != attention.num_heads,
        "complex heads": attention.variant == "complex",
        "norms over queries and keys": attention.qk_norm,
        f"heads of {config.head_dim}": bool(config.head_dim % GROUP)
        or config.head_dim * attention.num_heads != config.d_model,
        f"an inner width of {config.hidden_dim}": bool(config.hidden_dim % GROUP),
    }
    return next((what for what, found in wrong.items() if found), None)


def _tiles(weight_NM: np.ndarray) -> np.ndarray:
    """[outputs / 16][inputs / 2][16][2], rounded to bfloat16, to even where two are as near."""
    outputs, inputs = weight_NM.shape
    bits_NM = np.ascontiguousarray(weight_NM, dtype=np.float32).view(np.uint32)
    rounded_NM = ((bits_NM + 0x7FFF + (bits_NM >> 16 & 1)) >> 16).astype(np.uint16)
    return rounded_NM.reshape(outputs // LANES, LANES, inputs // 2, 2).swapaxes(1, 2)


def _for_powers_of_two(
    weight_NM: np.ndarray, bias_N: np.ndarray, config: TransformerConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Queries divided by the root of a head's width, and so that softmax is of powers of two instead of e."""
    factor_N = np.ones(len(weight_NM), dtype=np.float32)
    factor_N[: config.d_model] = math.log2(math.e) / math.sqrt(config.head_dim)
    return weight_NM * factor_N[:, None], bias_N * factor_N


def _in_lines(array: np.ndarray) -> np.ndarray:
    """A copy that begins with a line of the caches."""
    room = np.empty(array.nbytes + _LINE, dtype=np.uint8)
    start = -room.ctypes.data % _LINE
    copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
