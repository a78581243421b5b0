"""BERT with what stands on it, from and to a Hugging Face folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from alen.errors import BadInput, CorruptWeights
from alen.neural.bert import Bert, BertForMaskedLM, BertForSequenceClassification
from alen.neural.config import TransformerConfig
from alen.neural.named import BertConfig
from alen.neural.unfilled import without_initialisation
from alen.neural.weights import tensor_files
from alen.neural.weights.family import Entry, write
from alen.neural.weights.family_bert import BERT, head_entries
from alen.neural.weights.hugging_face import encoder_settings, read_all, write_settings

AnyBert = Bert | BertForMaskedLM | BertForSequenceClassification
_HEADS: dict[type[AnyBert], tuple[str, ...]] = {
    Bert: ("pooler",),
    BertForMaskedLM: ("masked",),
    BertForSequenceClassification: ("pooler", "classification"),
}
_ARCHITECTURES = {BertForMaskedLM: "BertForMaskedLM", BertForSequenceClassification: "BertForSequenceClassification"}


def load_bert(folder: Path, kind: type[AnyBert], *, dtype: torch.dtype = torch.float32) -> AnyBert:
    """In evaluation mode. Raises BadInput for another architecture, CorruptWeights, also when the head is missing."""
    settings = encoder_settings(folder)
    shape = BERT.config(settings)
    if shape.ffn.activation != "gelu":
        raise BadInput("encoder", f"activation {shape.ffn.activation}", "gelu", "Choose another model.")
    config = bert_config(shape)
    entries = _entries(kind, shape)
    unread = ("cls.", "pooler.", "classifier.")
    tensors = {name: tensor.to(dtype) for name, tensor in read_all(folder, BERT, entries, unread).items()}
    labels = len(tensors["head.classifier.bias"]) if kind is BertForSequenceClassification else 0
    with torch.device("meta"), without_initialisation():
        model = _made(kind, config, labels)
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise CorruptWeights(f"{folder}: {' '.join(str(error).split())[:300]}.", "Copy the folder again.") from None
    return model.eval()


def bert_config(shape: TransformerConfig) -> BertConfig:
    """The same shape in BERT's own fields."""
    return BertConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.d_model,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.attention.num_heads,
        intermediate_size=shape.hidden_dim,
        hidden_dropout_prob=shape.dropout,
        attention_dropout_prob=shape.attention.dropout,
        max_position_embeddings=shape.max_seq_len,
        layer_norm_eps=shape.norm.eps,
        type_vocab_size=shape.token_types,
    )


def _made(kind: type[AnyBert], config: BertConfig, labels: int) -> AnyBert:
    if kind is BertForSequenceClassification:
        return BertForSequenceClassification(config, labels)
    return BertForMaskedLM(config) if kind is BertForMaskedLM else Bert(config)


def save_bert(model: AnyBert, folder: Path) -> None:
    """Write a folder that ``transformers`` loads as the class of the same name."""
    encoder = model.encoder if isinstance(model, Bert) else model.bert.encoder
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    tensors = write(_entries(type(model), encoder.config), state)
    if not isinstance(model, Bert):
        inner = ("embeddings.", "encoder.", "pooler.")
        tensors = {BERT.prefix + name if name.startswith(inner) else name: part for name, part in tensors.items()}
    tensor_files.write(folder, tensors)
    settings: dict[str, Any] = {**BERT.settings(encoder.config)}
    settings["architectures"] = [_ARCHITECTURES.get(type(model), "BertModel")]
    if isinstance(model, BertForSequenceClassification):
        labels = model.head.classifier.out_features
        settings["id2label"] = {str(number): f"LABEL_{number}" for number in range(labels)}
        settings["label2id"] = {f"LABEL_{number}": number for number in range(labels)}
    write_settings(folder, settings, model)


def _entries(kind: type[AnyBert], shape: Any) -> list[Entry]:
    inside = "" if kind is Bert else "bert."
    entries = [Entry(f"{inside}encoder.{e.ours}", e.theirs, e.rows, e.transposed) for e in BERT.entries(shape)]
    for head in _HEADS[kind]:
        before = inside if head == "pooler" else ""
        entries += [Entry(before + e.ours, e.theirs) for e in head_entries(head)]
    return entries
