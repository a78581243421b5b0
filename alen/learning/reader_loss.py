"""What the reader learns from a packed passage: whether there is an answer, and each token of it among those possible.

Axes: B questions, T tokens of a row, N answer predictions, A allowed tokens, V vocabulary, D model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from alen.learning.packing import Pack
from alen.neural.transformer import Transformer


@dataclass(frozen=True, slots=True)
class PackLoss:
    """Natural logs, one a question. ``answerable_B`` is the log-loss of answerability, ``span_B`` minus the
    log-probability of the answer given that there is one (0 without a span), ``odds_B`` the log-odds of an answer."""

    answerable_B: Tensor
    span_B: Tensor
    odds_B: Tensor


def pack_loss(model: Transformer, pack: Pack, end: int) -> PackLoss:
    """Run a pack through the model. The end mark as first token means "no answer"; its probability is weighed against
    that of all tokens of the passage together, so both parts of the loss are those of the constrained search."""
    hidden_BTD = model.hidden(pack.tokens_BT)
    first_BV = model.logits(hidden_BTD[torch.arange(len(pack.first_B)), pack.first_B]).float()
    odds_B = first_BV[:, pack.starts_A].logsumexp(-1) - first_BV[:, end]
    answerable_B = F.binary_cross_entropy_with_logits(odds_B, pack.answerable_B.float(), reduction="none")
    span_B = torch.zeros_like(odds_B)
    if len(pack.place_N):
        logits_NV = model.logits(hidden_BTD[pack.owner_N, pack.place_N]).float()
        allowed_NA = logits_NV.gather(1, pack.allowed_NA.clamp(min=0)).masked_fill(pack.allowed_NA < 0, -1e9)
        each_N = F.cross_entropy(allowed_NA, pack.target_N, reduction="none")
        span_B = span_B.index_add(0, pack.owner_N, each_N)
    return PackLoss(answerable_B, span_B, odds_B)
