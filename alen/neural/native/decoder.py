"""NativeDecoder: many sequences, one step of the kernels for all of them.

Axes: R rows (a token of a sequence each), W wanted rows, V vocabulary, D model, N output and M input features.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.native.large_pages import together
from alen.neural.native.packed import Format, Packed
from alen.neural.native.packed_weights import MATRICES, PackedWeights
from alen.neural.native.pages import pages_for, pool_over
from alen.neural.native.sizes import GROUP, LANES
from alen.neural.paging import Feed, PagedTexts, Stepped
from alen.neural.positions import rotation_table
from alen.neural.transformer import Transformer

_ROW = np.dtype([("pages", "u8"), ("position", "i4"), ("token", "i4"), ("wanted", "i4"), ("unused", "i4")])
_SUMMARY = np.dtype([("best", "i4"), ("log_total", "f4")])
_MOST_HEAD_WIDTH = 256


class _Shape(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in "layers width heads kv_heads head_width inner words vocabulary threads".split()
        ),
        ("eps", ctypes.c_float),
    ]


def why_not(config: TransformerConfig) -> str | None:
    """What of a model the kernels do not know; None when they can compute it."""
    attention = config.attention
    wrong = {
        "positions other than rotary": config.positional.encoding != "rope",
        "a norm that is not RMSNorm before each part": (config.norm.type, config.norm.placement) != ("rmsnorm", "pre"),
        "parallel layers": config.parallel_layers,
        "a feed-forward that is not SwiGLU": config.ffn.variant != "swiglu",
        "complex heads": attention.variant == "complex",
        "norms over queries and keys": attention.qk_norm,
        f"{attention.mask_type} attention": attention.mask_type != "causal",
        "no head over the vocabulary": not config.language_head,
        f"heads of {config.head_dim}": bool(config.head_dim % (2 * LANES)) or config.head_dim > _MOST_HEAD_WIDTH,
        f"widths of {config.d_model} and {config.hidden_dim}": bool(
            config.d_model % GROUP or config.hidden_dim % GROUP
        ),
    }
    return next((what for what, found in wrong.items() if found), None)


class NativeDecoder(PagedTexts):
    """A decoder whose rows come out bit for bit the same alone, in any batch, and in pieces of any size.

    ``matrices`` and ``norms`` are those of ``PackedWeights``. Not safe to use from many threads at once."""

    exact = True

    def __init__(
        self,
        library: ctypes.CDLL,
        config: TransformerConfig,
        matrices: Mapping[str, Packed],
        norms: Mapping[str, Tensor],
        *,
        threads: int,
        cache_tokens: int,
    ) -> None:
        refused = why_not(config)
        if refused is not None:
            raise BadInput("model", refused, "what the kernels know", "Let torch compute it.")
        self._pages = pages_for(config, cache_tokens)
        super().__init__(config, pool_over(self._pages))
        self.format = "+".join(sorted({matrix.format.name.lower() for matrix in matrices.values()}))
        self.bytes = sum(matrix.bytes for matrix in matrices.values())
        self._words = matrices["head"].rows
        self.library, self._model = library, _made(library, config, self._words, threads)
        weakref.finalize(self, library.alen_free, ctypes.c_void_p(self._model))
        self._kept: list[Tensor] = []
        order = [f"blocks.{layer}.{name}" for layer in range(config.num_layers) for name in MATRICES]
        order += ["head", *(["embedding"] if "embedding" in matrices else [])]
        self._data = dict(zip(order, together([matrices[name].data for name in order]), strict=True))
        for layer in range(config.num_layers):
            for which, name in enumerate(MATRICES):
                self._put_matrix(layer, which, f"blocks.{layer}.{name}", matrices)
            self._put_table(layer, 0, norms[f"blocks.{layer}.attention_norm"])
            self._put_table(layer, 1, norms[f"blocks.{layer}.ffn_norm"])
        self._put_matrix(0, 4, "head", matrices)
        self._put_matrix(0, 5, "embedding" if "embedding" in matrices else "head", matrices)
        cos, sin = rotation_table(config.max_seq_len, config.head_dim, config.positional)
        for which, table in ((2, norms["norm"]), (3, cos), (4, sin)):
            self._put_table(0, which, table)
        library.alen_pages(ctypes.c_void_p(self._model), ctypes.c_void_p(self._pages.data_ptr()))

    @classmethod
    def of(
        cls,
        library: ctypes.CDLL,
        model: Transformer,
        format: Format = Format.BYTES,
        *,
        head: Format = Format.BYTES,
        threads: int,
        cache_tokens: int,
    ) -> NativeDecoder:
        """With the weights of a model, rounded to ``format``."""
        weights = PackedWeights.of(model, format, head=head)
        return cls(library, model.config, weights.matrices, weights.norms, threads=threads, cache_tokens=cache_tokens)

    def step(self, feeds: Sequence[Feed], *, wide: bool = False) -> Stepped:
        """Logits of the wanted tokens, feed by feed in order.

        ``wide`` multiplies in bfloat16 on the matrix units, where there are any: many times as fast for many tokens,
        and rounded otherwise, so that what is to come out the same must be read the same way.

        Raises BadInput, before anything is computed, when a text is longer than the model's context or the pages do
        not suffice; nothing has changed then."""
        rows_R, wanted = self._rows(feeds)
        logits_WV = torch.empty(wanted, self._words)
        summary_W = np.empty(wanted, dtype=_SUMMARY)
        self._call(feeds, rows_R, wide, None, logits_WV.data_ptr(), summary_W.ctypes.data)
        return Stepped(logits_WV[:, : self.config.vocab_size], summary_W["best"], summary_W["log_total"])

    def hidden(self, feeds: Sequence[Feed], *, wide: bool = False) -> Tensor:
        """Final states (W, D) of the wanted tokens; everything else as ``step``."""
        rows_R, wanted = self._rows(feeds)
        hidden_WD = torch.empty(wanted, self.config.d_model)
        self._call(feeds, rows_R, wide, hidden_WD.data_ptr(), None, None)
        return hidden_WD

    def _rows(self, feeds: Sequence[Feed]) -> tuple[np.ndarray, int]:
        self.grow(feeds)
        rows_R = np.zeros(sum(len(feed.tokens) for feed in feeds), dtype=_ROW)
        at = wanted = 0
        for feed in feeds:
            count, last = len(feed.tokens), min(feed.wanted, len(feed.tokens))
            part = rows_R[at : at + count]
            part["pages"] = feed.text.table.ctypes.data
            part["position"] = np.arange(feed.text.length, feed.text.length + count)
            part["token"] = feed.tokens
            part["wanted"] = -1
            part["wanted"][count - last :] = np.arange(wanted, wanted + last)
            at, wanted = at + count, wanted + last
        return rows_R, wanted

    def _call(self, feeds: Sequence[Feed], rows_R: np.ndarray, wide: bool, *outputs: int | None) -> None:
        told = [ctypes.c_void_p(output) for output in outputs]
        self.library.alen_step(
            ctypes.c_void_p(self._model), ctypes.c_void_p(rows_R.ctypes.data), len(rows_R), int(wide), *told
        )
        for feed in feeds:
            feed.text.length += len(feed.tokens)

    def _put_matrix(self, layer: int, which: int, name: str, matrices: Mapping[str, Packed]) -> None:
        matrix = matrices[name]
        bias = None if matrix.bias is None else matrix.bias.data_ptr()
        self._kept += [] if matrix.bias is None else [matrix.bias]
        self.library.alen_matrix(
            ctypes.c_void_p(self._model),
            layer,
            which,
            int(matrix.format),
            matrix.rows,
            matrix.inputs,
            ctypes.c_void_p(self._data[name].data_ptr()),
            ctypes.c_void_p(bias),
        )

    def _put_table(self, layer: int, which: int, table: Tensor) -> None:
        kept = table.detach().float().contiguous()
        self._kept.append(kept)
        self.library.alen_table(ctypes.c_void_p(self._model), layer, which, ctypes.c_void_p(kept.data_ptr()))


def _made(library: ctypes.CDLL, config: TransformerConfig, words: int, threads: int) -> int:
    library.alen_new.restype = ctypes.c_void_p
    shape = _Shape(
        config.num_layers,
        config.d_model,
        config.attention.num_heads,
        config.num_kv_heads,
        config.head_dim,
        config.hidden_dim,
        words,
        config.vocab_size,
        threads,
        config.norm.eps,
    )
    return int(library.alen_new(ctypes.byref(shape)))
