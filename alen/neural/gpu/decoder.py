"""GpuDecoder: many texts over one model on a GPU, one step for all of them.

Axes: R rows (a token of a text each), W wanted rows, V vocabulary, D model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.gpu.replay import Compute, Replay
from alen.neural.gpu.weights import Format, round_weights
from alen.neural.paging import Feed, PagedTexts, PagePool, Stepped
from alen.neural.paging.keys import PagedKeys, Places
from alen.neural.transformer import Transformer

PAGE = 256
"""Positions of a page: of fewer, the fused kernel makes nothing."""

MOST_REPLAYED = 256


def why_not(config: TransformerConfig) -> str | None:
    """What of a model cannot be computed in pages; None when all can."""
    wrong = {
        f"{config.attention.mask_type} attention": config.attention.mask_type == "bidirectional",
        "no head over the vocabulary": not config.language_head,
        "ALiBi": config.positional.encoding == "alibi",
    }
    return next((what for what, found in wrong.items() if found), None)


class GpuDecoder(PagedTexts):
    """Takes over ``model``: it is moved to ``device`` and its weights are rounded to ``format``. ``compiled`` joins
    small operations by torch.compile. Works on any device, and was made for one where a launch costs as much as a small
    product: steps of one token a text are captured once for each power of two of texts and replayed.

    How a product is rounded depends on how many rows there are, so texts are not drafted. Not safe to use from many
    threads at once. Raises BadInput for a model that it does not know."""

    exact = False

    def __init__(
        self,
        model: Transformer,
        *,
        cache_tokens: int,
        format: Format = "bfloat16",
        device: torch.device | str = "cuda",
        dtype: torch.dtype = torch.bfloat16,
        compiled: bool | None = None,
    ) -> None:
        refused = why_not(model.config)
        if refused is not None:
            raise BadInput("model", refused, "what can be computed in pages", "Let torch compute it text by text.")
        self.device, self.format = torch.device(device), format
        self._model = model.eval().requires_grad_(False).to(self.device)
        round_weights(self._model, format)
        for parameter in self._model.parameters():  # tables of positions stay in float32
            parameter.data = parameter.data.to(dtype)
        count = max(1, -(-cache_tokens // PAGE))
        self._keys = PagedKeys(model.config, count, PAGE, dtype, self.device)
        super().__init__(model.config, PagePool(count, PAGE, self._keys.copy_page))
        joined = self.device.type == "cuda" if compiled is None else compiled
        self._replay = Replay(
            _compiled(self._compute) if joined else self._compute,
            pages=-(-model.config.max_seq_len // PAGE),
            size=PAGE,
            waste=self._keys.waste,
            device=self.device,
            captures=self._keys.is_fused,
        )

    @torch.inference_mode()
    def step(self, feeds: Sequence[Feed], *, wide: bool = False) -> Stepped:
        """Logits of the wanted tokens, feed by feed in order. ``wide`` changes nothing: all products are on matrix
        units.

        Raises BadInput, before anything is computed, when a text is longer than the model's context or the pages do
        not suffice; nothing has changed then."""
        self.grow(feeds)
        feeds = [feed for feed in feeds if feed.tokens]
        if len(feeds) <= MOST_REPLAYED and feeds and all(len(feed.tokens) == feed.wanted == 1 for feed in feeds):
            logits_WV, best_W, total_W = self._replay(feeds)
        else:
            logits_WV, best_W, total_W = self._read(feeds)
        for feed in feeds:
            feed.text.length += len(feed.tokens)
        return Stepped(logits_WV.cpu(), best_W.cpu().numpy(), total_W.cpu().numpy())

    def _compute(self, tokens_R: Tensor, positions_R: Tensor, places: Places) -> tuple[Tensor, ...]:
        self._keys.places = places
        return self._told(self._model.paged(tokens_R, positions_R, self._keys))

    def _told(self, hidden_WD: Tensor) -> tuple[Tensor, ...]:
        logits_WV = self._model.logits(hidden_WD).float()
        return logits_WV, logits_WV.argmax(-1), logits_WV.logsumexp(-1)

    def _read(self, feeds: Sequence[Feed]) -> tuple[Tensor, ...]:
        """Of any number of new tokens."""
        positions = [np.arange(feed.text.length, feed.text.length + len(feed.tokens)) for feed in feeds]
        slots = [
            np.asarray(feed.text.pages)[at // PAGE] * PAGE + at % PAGE
            for feed, at in zip(feeds, positions, strict=True)
        ]
        counts, ends = [len(at) for at in positions], [int(at[-1]) + 1 for at in positions]
        table_NP = np.zeros((len(feeds), max(len(feed.text.pages) for feed in feeds)), dtype=np.int32)
        for row, feed in zip(table_NP, feeds, strict=True):
            row[: len(feed.text.pages)] = feed.text.pages
        self._keys.places = Places(
            slots_R=self._on_device(np.concatenate(slots)),
            counts=counts,
            ends=ends,
            starts_N1=self._on_device(np.cumsum([0, *counts]).astype(np.int32)),
            ends_N=self._on_device(np.asarray(ends, dtype=np.int32)),
            table_NP=self._on_device(table_NP),
            longest=max(counts),
            most=max(ends),
        )
        tokens_R = self._on_device(np.concatenate([np.asarray(feed.tokens) for feed in feeds]))
        hidden_RD = self._model.paged(tokens_R, self._on_device(np.concatenate(positions)), self._keys)
        wanted = [
            np.arange(end - min(feed.wanted, count), end)
            for feed, count, end in zip(feeds, counts, np.cumsum(counts), strict=True)
        ]
        return self._told(hidden_RD[self._on_device(np.concatenate(wanted))])

    def _on_device(self, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers).to(self.device)


def _compiled(compute: Compute) -> Compute:
    """Once for each number of rows, of which there are more than torch allows by itself."""
    joined = torch.compile(compute, dynamic=False, fullgraph=True)

    def computed(tokens_R: Tensor, positions_R: Tensor, places: Places) -> tuple[Tensor, ...]:
        with torch._dynamo.config.patch(recompile_limit=32):
            return joined(tokens_R, positions_R, places)

    return computed
