"""BERT and its heads against the reference, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.errors import CorruptWeights
from alen.neural.bert import Bert, BertForMaskedLM, BertForSequenceClassification
from alen.neural.named import BertConfig
from alen.neural.weights.bert_heads import load_bert, save_bert

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install -e '.[dev]'")

SETTINGS = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
    "num_labels": 3,
}
KINDS = {
    "BertModel": Bert,
    "BertForMaskedLM": BertForMaskedLM,
    "BertForSequenceClassification": BertForSequenceClassification,
}


def theirs(name: str) -> Any:
    torch.manual_seed(0)
    model = getattr(transformers, name)(transformers.BertConfig(**SETTINGS)).eval()
    for place, parameter in model.named_parameters():
        if "LayerNorm" in place or place.endswith("bias"):
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model


def answers(name: str, reference: Any, tokens_BT: Tensor, **inputs: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        found = reference(tokens_BT, **inputs)
    return (found.last_hidden_state, found.pooler_output) if name == "BertModel" else (found.logits,)


@pytest.mark.parametrize("name", KINDS)
def test_numbers_are_theirs(name: str, tokens_BT: Tensor, tmp_path: Path) -> None:
    reference = theirs(name)
    reference.save_pretrained(tmp_path / "theirs")
    ours = load_bert(tmp_path / "theirs", KINDS[name])
    keep = (torch.arange(23)[None] < torch.tensor([[23], [9]])).long()
    types = (torch.arange(23)[None] > 11).long().expand(2, -1)
    expected = answers(name, reference, tokens_BT, attention_mask=keep, token_type_ids=types)
    save_bert(ours, tmp_path / "ours")
    again = getattr(transformers, name).from_pretrained(tmp_path / "ours", local_files_only=True).eval()
    for found in (
        ours(tokens_BT, keep, types),
        answers(name, again, tokens_BT, attention_mask=keep, token_type_ids=types),
    ):
        parts = found if isinstance(found, tuple) else (found,)
        for one, other in zip(parts, expected, strict=True):
            real = keep.bool() if one.ndim == 3 else slice(None)
            assert_close(one[real], other[real], atol=2e-5, rtol=1e-4)


def test_a_missing_head_is_named(tmp_path: Path) -> None:
    theirs("BertModel").save_pretrained(tmp_path)
    with pytest.raises(CorruptWeights, match=r"classifier\.weight"):
        load_bert(tmp_path, BertForSequenceClassification)


def test_the_pooler_alone_is_not_read_by_the_language_head(tmp_path: Path) -> None:
    theirs("BertForMaskedLM").save_pretrained(tmp_path)
    assert load_bert(tmp_path, BertForMaskedLM).bert.pooler is None


def test_classification_learns(tokens_BT: Tensor) -> None:
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig.tiny().model_copy(update={"vocab_size": 97}), 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    labels = torch.tensor([0, 1])
    losses = []
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(model(tokens_BT), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
