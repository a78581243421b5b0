"""What a model is trained towards: the loss of a batch, whichever of the three tasks it is of.

Axes: B batch, T time, D model, V words, L labels, N tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alen.neural.bert import BertForMaskedLM
from alen.neural.loss import IGNORED, cross_entropy
from alen.neural.transformer import Transformer
from alen.training.building import Trained

Batch = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Held:
    """Of a batch that is not trained on: the sum of its losses in nats, over how many targets, and how many of them
    the likeliest class was right of (of tokens it is not counted)."""

    nats: Tensor
    targets: Tensor
    right: Tensor


class Objective(nn.Module):
    """A module, so that what wraps modules (DDP, FSDP) sees the whole way from tokens to the loss."""

    def __init__(self, model: Trained, label_smoothing: float = 0.0, r_drop: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.label_smoothing, self.r_drop = label_smoothing, r_drop

    def forward(self, batch: Batch) -> Tensor:
        """The mean over what counts, a float32 scalar; 0 where nothing does."""
        if self.r_drop:
            return self._of_two_draws(batch)
        return self._loss(batch, self.label_smoothing)[0]

    def held(self, batch: Batch) -> Held:
        """Without smoothing."""
        loss, targets, right = self._loss(batch, 0.0)
        return Held(loss.double() * targets, targets, right)

    def _loss(self, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor, Tensor]:
        if isinstance(self.model, Transformer):
            hidden_BTD = self.model.hidden(batch["tokens_BT"])
            return self._of_words(hidden_BTD, self.model.output_weight, None, batch["targets_BT"], smoothing)
        if isinstance(self.model, BertForMaskedLM):
            hidden_BTD, _ = self.model.bert(batch["tokens_BT"], batch["keep_BT"])
            counted_BT = batch["targets_BT"] != IGNORED
            # Most of the text is not predicted: the head reads only what is.
            hidden_ND = self.model.head.transformed(hidden_BTD[counted_BT])
            weight_VD, bias_V = self.model.bert.encoder.embedding.weight, self.model.head.bias
            return self._of_words(hidden_ND, weight_VD, bias_V, batch["targets_BT"][counted_BT], smoothing)
        logits_BL = self.model(batch["tokens_BT"], batch["keep_BT"]).float()
        labels_B = batch["labels_B"]
        loss = nn.functional.cross_entropy(logits_BL, labels_B, label_smoothing=smoothing)
        count = torch.tensor(len(labels_B), device=loss.device)
        return loss, count, (logits_BL.detach().argmax(-1) == labels_B).sum()

    def _of_two_draws(self, batch: Batch) -> Tensor:
        """Of classes, with ``r_drop`` times the symmetric divergence of what two draws of dropout say of each text."""
        twice = {name: torch.cat((values, values)) for name, values in batch.items()}
        logits_XL = self.model(twice["tokens_BT"], twice["keep_BT"]).float()
        loss = nn.functional.cross_entropy(logits_XL, twice["labels_B"], label_smoothing=self.label_smoothing)
        one_BL, other_BL = logits_XL.log_softmax(-1).chunk(2)
        apart_B = ((one_BL.exp() - other_BL.exp()) * (one_BL - other_BL)).sum(-1) / 2
        return loss + self.r_drop * apart_B.mean()

    def _of_words(
        self, hidden: Tensor, weight_VD: Tensor, bias_V: Tensor | None, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        targets_N = targets.flatten()
        hidden_ND = hidden.reshape(len(targets_N), hidden.shape[-1])
        count = (targets_N != IGNORED).sum()
        nothing = torch.zeros((), dtype=torch.long, device=hidden.device)
        if not hidden_ND.is_cuda and not count:
            # The mean over nothing is no number; its gradient is none.
            return hidden_ND.sum() * 0.0, count, nothing
        return cross_entropy(hidden_ND, weight_VD, targets_N, bias_V=bias_V, label_smoothing=smoothing), count, nothing
