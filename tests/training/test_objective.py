"""The loss of each task is that of transformers on the same weights; smoothing and masking are as their formulas say.

Axes: B batch, T time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from torch.nn import functional as F

from alen.neural.bert import BertForMaskedLM, BertForSequenceClassification
from alen.neural.loss import IGNORED
from alen.neural.named import BertConfig, GPT2Config
from alen.neural.transformer import Transformer
from alen.neural.weights.bert_heads import save_bert
from alen.neural.weights.hugging_face import save_folder
from alen.training.objective import Objective
from tests.training.made_rows import WORDS, causal, classified, masked

BERT = BertConfig(
    vocab_size=WORDS,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=32,
    hidden_dropout_prob=0.0,
    attention_dropout_prob=0.0,
)
GPT = GPT2Config(vocab_size=WORDS, n_positions=32, n_embd=32, n_layer=2, n_head=2, dropout=0.0)


def test_causal_loss_is_that_of_transformers(tmp_path: Path) -> None:
    model, batch = Transformer(GPT.transformer()), causal(3)
    save_folder(model, tmp_path)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path)
    # They shift by one themselves.
    whole_BT = torch.cat([batch["tokens_BT"], batch["targets_BT"][:, -1:]], 1)
    torch.testing.assert_close(Objective(model)(batch), theirs(whole_BT, labels=whole_BT).loss, rtol=1e-5, atol=1e-5)


def test_masked_loss_is_that_of_transformers(tmp_path: Path) -> None:
    model, batch = BertForMaskedLM(BERT), masked(3)
    save_bert(model, tmp_path)
    theirs = transformers.BertForMaskedLM.from_pretrained(tmp_path)
    wanted = theirs(batch["tokens_BT"], attention_mask=batch["keep_BT"].long(), labels=batch["targets_BT"]).loss
    torch.testing.assert_close(Objective(model)(batch), wanted, rtol=1e-5, atol=1e-5)


def test_loss_of_classes_is_that_of_transformers(tmp_path: Path) -> None:
    model, batch = BertForSequenceClassification(BERT, 2), classified(5)
    save_bert(model, tmp_path)
    theirs = transformers.BertForSequenceClassification.from_pretrained(tmp_path)
    wanted = theirs(batch["tokens_BT"], attention_mask=batch["keep_BT"].long(), labels=batch["labels_B"])
    torch.testing.assert_close(Objective(model)(batch), wanted.loss, rtol=1e-5, atol=1e-5)
    held = Objective(model).held(batch)
    assert int(held.right) == int((wanted.logits.argmax(-1) == batch["labels_B"]).sum())
    assert int(held.targets) == 5


def test_two_draws_of_dropout_are_held_together() -> None:
    shape = BERT.model_copy(update={"hidden_dropout_prob": 0.3})
    model, batch = BertForSequenceClassification(shape, 2).train(), classified(5)
    torch.nn.init.normal_(model.head.classifier.weight)
    plain, weighed = (Objective(model, r_drop=weight) for weight in (1e-9, 2.0))
    losses = []
    for objective in (plain, weighed):
        torch.manual_seed(4)
        losses.append(objective(batch))
    torch.manual_seed(4)
    twice = [torch.cat((batch[name], batch[name])) for name in ("tokens_BT", "keep_BT")]
    one_BL, other_BL = model(*twice).log_softmax(-1).chunk(2)
    there = F.kl_div(one_BL, other_BL, log_target=True, reduction="batchmean")
    back = F.kl_div(other_BL, one_BL, log_target=True, reduction="batchmean")
    assert there > 1e-3
    torch.testing.assert_close(losses[1] - losses[0], there + back, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        losses[0], (F.nll_loss(one_BL, batch["labels_B"]) + F.nll_loss(other_BL, batch["labels_B"])) / 2
    )
    model.eval()
    torch.testing.assert_close(weighed(batch), Objective(model)(batch))


def test_smoothing_is_a_share_of_every_word() -> None:
    model, batch = Transformer(GPT.transformer()), causal(2)
    logs = torch.log_softmax(model(batch["tokens_BT"]), -1)
    right = -logs.gather(-1, batch["targets_BT"][..., None]).mean()
    torch.testing.assert_close(Objective(model, 0.1)(batch), 0.9 * right - 0.1 * logs.mean())
    torch.testing.assert_close(Objective(model, 0.1).held(batch).nats, right.double() * 32)


def test_what_is_ignored_counts_for_nothing() -> None:
    model, batch = Transformer(GPT.transformer()), causal(2)
    batch["targets_BT"][0] = IGNORED
    logits = model(batch["tokens_BT"][1:])
    torch.testing.assert_close(Objective(model)(batch), F.cross_entropy(logits[0], batch["targets_BT"][1]))
    batch["targets_BT"][:] = IGNORED
    loss = Objective(model)(batch)
    loss.backward()
    assert loss == 0
    assert all(not parameter.grad.any() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("padding", [0, 7])
def test_padding_changes_nothing(padding: int) -> None:
    model, batch = BertForMaskedLM(BERT), masked(2)
    before = Objective(model)(batch)
    batch["tokens_BT"][:, -2:] = padding
    torch.testing.assert_close(Objective(model)(batch), before)
