"""BERT and its task heads on the one transformer. Axes: B batch, T time, D model, V words, L labels."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn

from alen.neural.heads import ClassificationHead, MaskedLanguageHead, Pooler
from alen.neural.named import BertConfig
from alen.neural.transformer import Transformer

Head = TypeVar("Head", bound=nn.Module)


class Bert(nn.Module):
    """``forward`` gives the states of all tokens (B, T, D) and the pooled state of the first (B, D).

    ``attention_mask`` (B, T) is 1 for tokens and 0 for padding; ``token_type_ids`` (B, T) are 0 or 1."""

    def __init__(self, config: BertConfig, pooler: bool = True) -> None:
        super().__init__()
        shape = config.transformer()
        self.encoder = Transformer(shape)
        self.pooler = _initialised(Pooler(shape), shape.init_std) if pooler else None

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        keep_BS = None if attention_mask is None else attention_mask.bool()
        hidden_BTD = self.encoder.hidden(input_ids, keep_BS=keep_BS, types_BT=token_type_ids)
        return hidden_BTD, None if self.pooler is None else self.pooler(hidden_BTD)


class BertForMaskedLM(nn.Module):
    """Logits (B, T, V) of what each token, masked or not, might be."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = Bert(config, pooler=False)
        shape = self.bert.encoder.config
        self.head = _initialised(MaskedLanguageHead(shape), shape.init_std)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        hidden_BTD, _ = self.bert(input_ids, attention_mask, token_type_ids)
        return self.head(hidden_BTD, self.bert.encoder.embedding.weight)


class BertForSequenceClassification(nn.Module):
    """Logits (B, L) of a whole sequence."""

    def __init__(self, config: BertConfig, num_labels: int) -> None:
        super().__init__()
        self.bert = Bert(config)
        shape = self.bert.encoder.config
        self.head = _initialised(ClassificationHead(shape, num_labels), shape.init_std)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        _, pooled_BD = self.bert(input_ids, attention_mask, token_type_ids)
        return self.head(pooled_BD)


def _initialised(head: Head, std: float) -> Head:
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=std)
            nn.init.zeros_(module.bias)
    return head
