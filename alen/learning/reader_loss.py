"""What the reader learns from a packed passage: whether there is an answer, and each token of it among those possible.

Axes: T tokens of the packed sequence, Q questions, N answer predictions, A allowed tokens, V vocabulary, D model.
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
    """Natural logs, one a question. ``answerable_Q`` is the log-loss of answerability, ``span_Q`` minus the
    log-probability of the answer given that there is one (0 without a span), ``odds_Q`` the log-odds of an answer."""

    answerable_Q: Tensor
    span_Q: Tensor
    odds_Q: Tensor


def pack_loss(model: Transformer, pack: Pack, end: int) -> PackLoss:
    """Run a pack through the model. The end mark as first token means "no answer"; its probability is weighed against
    that of all tokens of the passage together, so both parts of the loss are those of the constrained search."""
    hidden_TD = model.hidden(pack.tokens_T[None], positions_BT=pack.positions_T[None], mask_BTS=pack.mask_TT[None])[0]
    first_QV = model.logits(hidden_TD[pack.first_Q]).float()
    odds_Q = first_QV[:, pack.starts_A].logsumexp(-1) - first_QV[:, end]
    answerable_Q = F.binary_cross_entropy_with_logits(odds_Q, pack.answerable_Q.float(), reduction="none")
    span_Q = torch.zeros_like(odds_Q)
    if len(pack.place_N):
        logits_NV = model.logits(hidden_TD[pack.place_N]).float()
        allowed_NA = logits_NV.gather(1, pack.allowed_NA.clamp(min=0)).masked_fill(pack.allowed_NA < 0, -1e9)
        each_N = F.cross_entropy(allowed_NA, pack.target_N, reduction="none")
        span_Q = span_Q.index_add(0, pack.owner_N, each_N)
    return PackLoss(answerable_Q, span_Q, odds_Q)
