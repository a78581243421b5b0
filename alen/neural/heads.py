"""What stands on hidden states beside the language head. Axes: B batch, T time, D model, V words, L labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural.config import TransformerConfig
from alen.neural.norms import make_norm


class MaskedLanguageHead(nn.Module):
    """BERT's: dense, GELU, norm, then the embedding again with a bias of its own (Devlin et al., 2019)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.norm = make_norm(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden_BTD: Tensor, embedding_VD: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        return F.linear(self.transformed(hidden_BTD), embedding_VD, self.bias)

    def transformed(self, hidden_BTD: Tensor) -> Tensor:
        return self.norm(F.gelu(self.dense(hidden_BTD)))


class Pooler(nn.Module):
    """tanh of a dense layer over the first token's state."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        """(B, D)."""
        return torch.tanh(self.dense(hidden_BTD[:, 0]))


class ClassificationHead(nn.Module):
    """Logits of ``num_labels`` classes from a pooled state, with dropout before them."""

    def __init__(self, config: TransformerConfig, num_labels: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.d_model, num_labels)

    def forward(self, pooled_BD: Tensor) -> Tensor:
        """(B, L)."""
        return self.classifier(self.dropout(pooled_BD))
