"""A vocabulary that grows: new rows of the embedding and of the head, the old ones untouched.

Axes: V words, D model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from alen.errors import BadInput
from alen.neural.transformer import Transformer


def grow_vocabulary(model: Transformer, vocab_size: int) -> Transformer:
    """Give ``model`` room for ``vocab_size`` words, in place. New rows start at the mean of the old ones with the
    spread of a first initialisation, which keeps the logits of a trained model nearly as they were (Hewitt, 2021).
    Raises BadInput when that is fewer than it has."""
    config = model.config
    if vocab_size < config.vocab_size:
        raise BadInput("vocab_size", str(vocab_size), f"at least {config.vocab_size}", "A vocabulary only grows.")
    if vocab_size == config.vocab_size:
        return model
    model.embedding = nn.Embedding(
        vocab_size, config.d_model, _weight=_grown(model.embedding.weight, vocab_size, config.init_std)
    )
    if isinstance(model.head, nn.Linear):
        head = nn.Linear(1, 1, bias=False)
        head.weight = nn.Parameter(_grown(model.head.weight, vocab_size, config.init_std))
        head.in_features, head.out_features = config.d_model, vocab_size
        model.head = head
    model.config = config.model_copy(update={"vocab_size": vocab_size})
    return model


@torch.no_grad()
def _grown(weight_VD: Tensor, rows: int, std: float) -> Tensor:
    grown_VD = weight_VD.new_empty(rows, weight_VD.shape[1])
    old = len(weight_VD)
    grown_VD[:old] = weight_VD
    grown_VD[old:] = weight_VD.mean(0) + std * torch.randn_like(grown_VD[old:])
    return grown_VD
